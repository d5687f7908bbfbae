"""Image folders: a sub-folder per class, with or without `train`, `val` and `test` above them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgetool.artifact import digest_path
from edgetool.data.dataset import SPLIT_SEED, Array, Dataset, Split
from edgetool.errors import DataError

__all__ = ["load_images"]

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp"}
SPLITS = {"train": "train", "val": "val", "validation": "val", "valid": "val", "test": "test"}
TEST_FRACTION = 0.2


def load_images(path: Path, *, image_size: tuple[int, int] | None) -> Dataset:
    """Load a folder of images as uint8 `[N, H, W, C]`; grey images keep one channel if all of them are grey.

    Without `train` and `test` folders, a seeded fifth of each class becomes the test split.

    Args:
        path: the folder.
        image_size: height and width to resize to; default: the size of the first image, which all must have.

    Raises:
        DataError: no images, one class only, unlike sizes, or a damaged image.
    """
    found = {SPLITS[item.name]: item for item in sorted(path.iterdir()) if item.is_dir() and item.name in SPLITS}
    roots = found if "train" in found or "test" in found else {"all": path}
    classes = sorted({item.name for root in roots.values() for item in root.iterdir() if item.is_dir()})
    if len(classes) < 2:
        raise DataError(
            str(path),
            found=f"{len(classes)} class folders",
            expected="a sub-folder of images for each of two or more classes",
            next_step="put the images of each class into a folder of its own",
        )
    files = {name: _list_files(root, classes) for name, root in roots.items()}
    grey = all(_is_grey(file) for listed in files.values() for file, _ in listed[:64])
    size = image_size
    splits: dict[str, Split] = {}
    for name, listed in files.items():
        images, size = _read(path, listed, size, grey=grey, resize=image_size is not None)
        splits[name] = Split(name, (images,), np.array([label for _, label in listed], np.int64))
    if "all" in splits:
        splits = _split_in_two(splits["all"])
    return Dataset(
        name=path.name,
        train=splits.get("train"),
        val=splits.get("val"),
        test=splits.get("test"),
        class_names=tuple(classes),
        source=f"image folder {path.name}",
        digest=digest_path(path),
        facts={} if "all" not in files else {"test split": f"a fifth of each class, seed {SPLIT_SEED}"},
    )


def _list_files(root: Path, classes: list[str]) -> list[tuple[Path, int]]:
    listed = [
        (file, label)
        for label, name in enumerate(classes)
        for file in sorted((root / name).rglob("*"))
        if file.suffix.lower() in SUFFIXES
    ]
    if not listed:
        raise DataError(str(root), found="no images", expected="image files", next_step="check the folder")
    return listed


def _is_grey(file: Path) -> bool:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(file) as image:
            return image.mode in ("L", "1", "I;16")
    except (UnidentifiedImageError, OSError):
        return False  # reported when it is read


def _read(
    path: Path, listed: list[tuple[Path, int]], size: tuple[int, int] | None, *, grey: bool, resize: bool
) -> tuple[Array, tuple[int, int]]:
    from PIL import Image, UnidentifiedImageError

    arrays: list[Array] = []
    for file, _ in listed:
        try:
            with Image.open(file) as opened:
                image = opened.convert("L" if grey else "RGB")
        except (UnidentifiedImageError, OSError) as exc:
            raise DataError(
                str(file),
                found=f"no readable image ({exc})",
                expected="an image",
                next_step="replace or remove the file",
            ) from None
        size = size or (image.height, image.width)
        if (image.height, image.width) != size:
            if not resize:
                raise DataError(
                    str(file),
                    found=f"{image.height}x{image.width} pixels",
                    expected=f"{size[0]}x{size[1]}, as the first image of {path.name}",
                    next_step=f"give --image-size {size[0]}x{size[1]} to resize all",
                )
            image = image.resize((size[1], size[0]), Image.Resampling.BILINEAR)
        array = np.asarray(image, np.uint8)
        arrays.append(array[..., None] if array.ndim == 2 else array)
    assert size is not None
    return np.stack(arrays), size


def _split_in_two(split: Split) -> dict[str, Split]:
    assert split.labels is not None
    random = np.random.default_rng(SPLIT_SEED)
    test = np.zeros(split.num_samples, bool)
    for label in np.unique(split.labels):
        members = random.permutation(np.flatnonzero(split.labels == label))
        test[members[: max(1, round(len(members) * TEST_FRACTION))]] = True
    return {
        "train": Split("train", tuple(x[~test] for x in split.inputs), split.labels[~test]),
        "test": Split("test", tuple(x[test] for x in split.inputs), split.labels[test]),
    }
