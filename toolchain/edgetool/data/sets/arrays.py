"""Arrays of a shared `.npz` file by key: what is missing or damaged is named."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgetool.bounds.arrays import read_npz
from edgetool.data.dataset import Array
from edgetool.errors import DataError

__all__ = ["read_arrays"]


def read_arrays(path: Path, keys: Sequence[str]) -> dict[str, Array]:
    """Return the arrays `keys` of an archive; nothing is unpickled.

    Raises:
        FileFormatError: damaged.
        DataError: a key is missing.
    """
    arrays = read_npz(path, lambda key: key in keys)
    missing = [key for key in keys if key not in arrays]
    if missing:
        raise DataError(
            str(path),
            found=f"no array {missing[0]!r}",
            expected=", ".join(keys),
            next_step="get the file again, or unset EDGETOOL_DATA for the public download",
        )
    return {key: arrays[key] for key in keys}
