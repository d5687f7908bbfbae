"""Arrays of a shared `.npz` file by key: what is missing or damaged is named."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edgetool.data.dataset import Array
from edgetool.data.npz import BAD_ARCHIVE
from edgetool.errors import DataError

__all__ = ["read_arrays"]


def read_arrays(path: Path, keys: Sequence[str]) -> dict[str, Array]:
    """Return the arrays `keys` of an archive; nothing is unpickled.

    Raises:
        DataError: damaged, or a key is missing.
    """
    try:
        with zipfile.ZipFile(path):  # NumPy takes a single array and a pickle under this suffix too
            pass
        with np.load(path, allow_pickle=False) as archive:
            missing = [key for key in keys if key not in archive.files]
            found = {} if missing else {key: archive[key] for key in keys}
    except BAD_ARCHIVE as exc:
        raise DataError(
            str(path),
            found=f"an archive that cannot be read ({str(exc) or type(exc).__name__})",
            expected="a sound .npz without pickled objects",
            next_step="get the file again",
        ) from None
    if missing:
        raise DataError(
            str(path),
            found=f"no array {missing[0]!r}",
            expected=", ".join(keys),
            next_step="get the file again, or unset EDGETOOL_DATA for the public download",
        )
    return found
