"""`.npz` archives: `x_train, y_train, [x_val, y_val,] x_test, y_test`, or JPEG bytes end to end with offsets.

Of a model with several inputs or outputs there are `x_train_0, x_train_1` and `y_train_0, y_train_1`, or
`y_train_<name of the output>`; outputs without labels are left out.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edgetool.artifact import digest_path
from edgetool.bounds.arrays import read_npz
from edgetool.bounds.memory import DATA_BYTES, require_bounded
from edgetool.bounds.parsing import parsing
from edgetool.data.dataset import Array, Dataset, Split
from edgetool.errors import DataError

__all__ = ["load_npz", "read_arrays"]

#: Keys that splits are made of; others (names, indices) are not read.
PREFIXES = ("x_", "y_", "jpeg_", "offsets_")


def load_npz(path: Path, *, name: str | None = None, source: str = "") -> Dataset:
    """Load an archive without unpickling anything.

    Args:
        path: the archive.
        name: what reports call the data; default: the file's stem.
        source: where it came from; default: the file's name.

    Raises:
        FileFormatError: damaged, pickled objects, images that cannot be decoded, or far more than the file stores.
        DataError: keys are missing, or images are of unlike sizes.
    """
    arrays = read_npz(path, lambda key: key == "class_names" or key.startswith(PREFIXES))
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
        FileFormatError: damaged, or pickled objects.
        DataError: an array is missing.
    """
    arrays = read_npz(path, lambda _: True)
    missing = [key for key in required if key not in arrays]
    if missing:
        raise DataError(
            str(path),
            found=f"arrays {', '.join(sorted(arrays)) or 'none'}, but no {', '.join(missing)}",
            expected=", ".join(required),
            next_step="get the file again, or save the arrays under these names",
        )
    return {key: arrays[key] for key in required}


def _split(path: Path, arrays: dict[str, Array], name: str) -> Split | None:
    labels = arrays.get(f"y_{name}")
    start = f"y_{name}_"
    heads = {key.removeprefix(start): array for key, array in arrays.items() if key.startswith(start)}
    if f"jpeg_{name}" in arrays:
        return Split(name, (_decode_jpegs(path, arrays, name),), labels, heads)
    if f"x_{name}" in arrays:
        return Split(name, (arrays[f"x_{name}"],), labels, heads)
    numbered = sorted(key for key in arrays if key.startswith(f"x_{name}_"))
    if numbered:
        return Split(name, tuple(arrays[key] for key in numbered), labels, heads)
    if labels is not None or heads:
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
        subject = f"{path}: jpeg_{name}[{index}]"
        with parsing(subject, expected="a JPEG image", next_step="get the file again"):
            opened = Image.open(io.BytesIO(blob[int(start) : int(end)]))
            if index == 0:
                claimed = opened.width * opened.height * 3 * (len(offsets) - 1)
                require_bounded(str(path), claimed, len(blob), DATA_BYTES)
            elif opened.size != (images[0].shape[1], images[0].shape[0]):
                raise DataError(
                    subject,
                    found=f"an image of {[opened.height, opened.width, 3]}",
                    expected=f"{list(images[0].shape)}, as the first",
                    next_step="resize them before saving",
                )
            images.append(np.asarray(opened.convert("RGB")))
    return np.stack(images)
