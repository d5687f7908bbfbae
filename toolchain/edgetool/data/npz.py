"""`.npz` archives: `x_train, y_train, [x_val, y_val,] x_test, y_test`, or JPEG bytes end to end with offsets."""

from __future__ import annotations

import io
import itertools
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from edgetool.artifact import digest_path
from edgetool.data.dataset import Array, Dataset, Split
from edgetool.errors import DataError

__all__ = ["load_npz", "read_arrays"]

#: Keys that splits are made of; others (names, indices) are not read.
PREFIXES = ("x_", "y_", "jpeg_", "offsets_")

#: What zipfile, zlib and NumPy raise on a damaged archive: NotImplementedError and RuntimeError are zipfile's for a
#: forged compression method or flag, MemoryError and OverflowError come from a forged shape.
BAD_ARCHIVE = (
    OSError, ValueError, EOFError, KeyError, TypeError, SyntaxError, NotImplementedError, RuntimeError, MemoryError,
    OverflowError, struct.error, zlib.error, zipfile.BadZipFile, zipfile.LargeZipFile,
)  # fmt: skip


def load_npz(path: Path, *, name: str | None = None, source: str = "") -> Dataset:
    """Load an archive without unpickling anything.

    Args:
        path: the archive.
        name: what reports call the data; default: the file's stem.
        source: where it came from; default: the file's name.

    Raises:
        DataError: damaged, keys missing, pickled objects, or images that cannot be decoded.
    """
    arrays = _read(path, lambda key: key == "class_names" or key.startswith(PREFIXES))
    splits = {split: _split(path, arrays, split) for split in ("train", "val", "test")}
    if splits["train"] is None and splits["test"] is None:
        raise DataError(
            str(path),
            found=f"arrays {', '.join(sorted(arrays)) or 'none'} only",
            expected="x_train and y_train, x_test and y_test",
            next_step="save the arrays under these names",
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


def read_arrays(path: Path, required: Sequence[str]) -> dict[str, Array]:
    """Return the arrays `required` of an archive, without unpickling anything.

    Raises:
        DataError: damaged, pickled objects, or an array that is missing.
    """
    arrays = _read(path, lambda _: True)
    missing = [key for key in required if key not in arrays]
    if missing:
        raise DataError(
            str(path),
            found=f"arrays {', '.join(sorted(arrays)) or 'none'}, but no {', '.join(missing)}",
            expected=", ".join(required),
            next_step="get the file again, or save the arrays under these names",
        )
    return {key: arrays[key] for key in required}


def _read(path: Path, wanted: Callable[[str], bool]) -> dict[str, Array]:
    """Return the arrays of the archive whose key is wanted."""
    try:
        with zipfile.ZipFile(path):  # NumPy takes a single array and a pickle under this suffix too
            pass
        with np.load(path, allow_pickle=False) as archive:
            return {key: archive[key] for key in archive.files if wanted(key)}
    except BAD_ARCHIVE as exc:
        raise DataError(
            str(path),
            found=f"an archive that cannot be read ({str(exc) or type(exc).__name__})",
            expected="a sound .npz without pickled objects",
            next_step="save it again with numpy.savez_compressed",
        ) from None


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
    from PIL import Image

    blob = arrays[f"jpeg_{name}"].tobytes()
    offsets = arrays.get(f"offsets_{name}")
    if offsets is None:
        raise DataError(
            str(path), found=f"jpeg_{name} without offsets_{name}", expected="both", next_step="save the offsets too"
        )
    if offsets.ndim != 1 or len(offsets) < 2 or (np.diff(offsets) < 0).any() or not 0 <= offsets[0] <= offsets[-1]:
        raise DataError(
            f"{path}: offsets_{name}", found="no rising offsets", expected="N + 1 of them", next_step="save them again"
        )
    if int(offsets[-1]) > len(blob):
        raise DataError(
            f"{path}: jpeg_{name}",
            found=f"{len(blob)} bytes",
            expected=f"{int(offsets[-1])}, as the last offset says",
            next_step="get the file again; it may be cut short",
        )
    images: list[Array] = []
    for index, (start, end) in enumerate(itertools.pairwise(offsets)):
        try:
            images.append(np.asarray(Image.open(io.BytesIO(blob[int(start) : int(end)])).convert("RGB")))
        except (OSError, SyntaxError, ValueError, struct.error, Image.DecompressionBombError) as exc:
            raise DataError(
                f"{path}: jpeg_{name}[{index}]",
                found=f"bytes that are no JPEG ({exc})",
                expected="an image",
                next_step="get the file again",
            ) from None
        if images[index].shape != images[0].shape:
            raise DataError(
                f"{path}: jpeg_{name}[{index}]",
                found=f"an image of {list(images[index].shape)}",
                expected=f"{list(images[0].shape)}, as the first",
                next_step="resize them before saving",
            )
    return np.stack(images)
