"""`.npz` archives: `x_train, y_train, [x_val, y_val,] x_test, y_test`, or JPEG bytes end to end with offsets."""

from __future__ import annotations

import io
import itertools
import zipfile
from pathlib import Path

import numpy as np

from edgetool.artifact import digest_path
from edgetool.data.dataset import Array, Dataset, Split
from edgetool.errors import DataError, nearest

__all__ = ["load_npz"]


def load_npz(path: Path, *, name: str | None = None, source: str = "") -> Dataset:
    """Load an archive without unpickling anything.

    Args:
        path: the archive.
        name: what reports call the data; default: the file's stem.
        source: where it came from; default: the file's name.

    Raises:
        DataError: damaged, keys missing, pickled objects, or images that cannot be decoded.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zipfile.LargeZipFile) as exc:
        raise DataError(
            str(path),
            found=f"an archive that cannot be read ({exc})",
            expected="a sound .npz without pickled objects",
            next_step="save it again with numpy.savez_compressed",
        ) from None
    splits = {split: _split(path, arrays, split) for split in ("train", "val", "test")}
    if splits["train"] is None and splits["test"] is None:
        raise DataError(
            str(path),
            found=f"keys {', '.join(sorted(arrays)) or 'none'}",
            expected="x_train and y_train, x_test and y_test",
            next_step=nearest("x_train", list(arrays)),
        )
    return Dataset(
        name=name or path.stem,
        train=splits["train"],
        val=splits["val"],
        test=splits["test"],
        class_names=tuple(str(item) for item in arrays.get("class_names", np.array([]))),
        source=source or path.name,
        digest=digest_path(path),
    )


def _split(path: Path, arrays: dict[str, Array], name: str) -> Split | None:
    labels = arrays.get(f"y_{name}")
    if f"jpeg_{name}" in arrays:
        return Split(name, (_decode_jpegs(path, arrays, name),), labels)
    if f"x_{name}" in arrays:
        return Split(name, (arrays[f"x_{name}"],), labels)
    numbered = sorted(key for key in arrays if key.startswith(f"x_{name}_"))
    if numbered:
        return Split(name, tuple(arrays[key] for key in numbered), labels)
    if labels is not None:
        raise DataError(
            str(path), found=f"y_{name} without x_{name}", expected="both", next_step=f"save x_{name} beside y_{name}"
        )
    return None


def _decode_jpegs(path: Path, arrays: dict[str, Array], name: str) -> Array:
    from PIL import Image, UnidentifiedImageError

    blob = arrays[f"jpeg_{name}"].tobytes()
    offsets = arrays.get(f"offsets_{name}")
    if offsets is None:
        raise DataError(
            str(path), found=f"jpeg_{name} without offsets_{name}", expected="both", next_step="save the offsets too"
        )
    images: list[Array] = []
    for index, (start, end) in enumerate(itertools.pairwise(offsets)):
        try:
            images.append(np.asarray(Image.open(io.BytesIO(blob[int(start) : int(end)])).convert("RGB")))
        except (UnidentifiedImageError, OSError) as exc:
            raise DataError(
                f"{path}: jpeg_{name}[{index}]",
                found=f"bytes that are no JPEG ({exc})",
                expected="an image",
                next_step="get the file again",
            ) from None
    return np.stack(images)
