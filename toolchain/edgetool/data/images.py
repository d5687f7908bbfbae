"""Image folders: a sub-folder per class, with or without `train`, `val` and `test` above them."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from edgetool.artifact import digest_path
from edgetool.bounds.memory import DATA_BYTES, require_bounded, stored_bytes
from edgetool.bounds.parsing import parsing
from edgetool.data.dataset import SPLIT_SEED, Array, Dataset, Split
from edgetool.data.split import split_in_two
from edgetool.errors import DataError, FileFormatError

__all__ = ["load_images"]

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp"}
SPLITS = {"train": "train", "val": "val", "validation": "val", "valid": "val", "test": "test"}
TEST_FRACTION = 0.2

#: Pillow would cut these off at 255.
DEEP_MODES = ("I", "I;16", "I;16B", "I;16L", "I;16N", "F")

#: Pillow warns of more pixels than this; such an image is refused.
MAX_PIXELS = 89_478_485


def load_images(path: Path, *, image_size: tuple[int, int] | None) -> Dataset:
    """Load a folder of images as uint8 `[N, H, W, C]`; grey images keep one channel if all of them are grey.

    Without `train` and `test` folders, a seeded fifth of each class becomes the test split.

    Args:
        path: the folder.
        image_size: height and width to resize to; default: the size of the first image, which all must have.

    Raises:
        FileFormatError: a damaged image, or images that claim far more pixels than they store.
        DataError: no images, one class only, or unlike sizes.
    """
    split_folders = {
        SPLITS[item.name]: item for item in sorted(path.iterdir()) if item.is_dir() and item.name in SPLITS
    }
    roots = split_folders if "train" in split_folders or "test" in split_folders else {"all": path}
    classes = sorted({item.name for root in roots.values() for item in root.iterdir() if _is_class(item)})
    if len(classes) < 2:
        raise DataError(
            str(path),
            found=f"{len(classes)} class folders",
            expected="a sub-folder of images for each of two or more classes",
            next_step="put the images of each class into a folder of its own",
        )
    files = {name: _list_files(root, classes) for name, root in roots.items()}
    _require_bounded(path, [file for listed in files.values() for file, _ in listed], image_size)
    grey = all(_is_grey(file) for listed in files.values() for file, _ in listed[:64])
    size = image_size
    splits: dict[str, Split] = {}
    for name, listed in files.items():
        images, size = _read(path, listed, size, grey=grey, resize=image_size is not None)
        splits[name] = Split(name, (images,), np.array([label for _, label in listed], np.int64))
    if "all" in splits:
        train, test = split_in_two(splits["all"], fraction=TEST_FRACTION)
        splits = {"train": train, "test": test}
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


def _is_class(item: Path) -> bool:
    return item.is_dir() and not item.name.startswith((".", "__"))


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


def _require_bounded(path: Path, files: list[Path], image_size: tuple[int, int] | None) -> None:
    """Add up the pixels that the images claim before one of them is decoded.

    Raises:
        FileFormatError: an image is damaged or huge, or all of them take far more than they store.
    """
    pixels = 0
    for file in files:
        with _opened(file) as image:
            pixels += image.width * image.height if image_size is None else image_size[0] * image_size[1]
    require_bounded(str(path), 3 * pixels, sum(stored_bytes(file) for file in files), DATA_BYTES)


@contextlib.contextmanager
def _opened(file: Path) -> Iterator[Image.Image]:
    """Open an image; whatever Pillow raises while it is used becomes a `FileFormatError`."""
    with (
        parsing(str(file), expected="an image", next_step="replace or remove the file"),
        warnings.catch_warnings(action="ignore"),
        Image.open(file) as image,
    ):
        if image.width * image.height > MAX_PIXELS:
            raise FileFormatError(
                str(file),
                found=f"an image of {image.height:,}x{image.width:,} pixels",
                expected=f"at most {MAX_PIXELS:,}",
                next_step="replace or remove the file",
            )
        yield image


def _is_grey(file: Path) -> bool:
    with _opened(file) as image:
        return image.mode in ("L", "1", *DEEP_MODES)


def _read(
    path: Path, listed: list[tuple[Path, int]], size: tuple[int, int] | None, *, grey: bool, resize: bool
) -> tuple[Array, tuple[int, int]]:
    arrays: list[Array] = []
    for file, _ in listed:
        with _opened(file) as opened:
            deep = opened.mode in DEEP_MODES
            image = opened.convert("L" if grey else "RGB")
        if deep:
            raise DataError(
                str(file),
                found=f"an image of mode {opened.mode}, more than 8 bits a channel",
                expected="8 bits a channel",
                next_step="convert it by a stated rule, or give the arrays as .npz",
            )
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
