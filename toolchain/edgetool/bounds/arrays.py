"""`.npy` arrays in `.npz` archives: a header that lies about shape or type is found out before memory is taken."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from edgetool.bounds.archive import NEXT_STEP, open_archive
from edgetool.bounds.memory import DATA_BYTES
from edgetool.bounds.parsing import parsing, printable
from edgetool.errors import FileFormatError

__all__ = ["read_npz"]

EXPECTED = "a sound .npz without pickled objects"


def read_npz(path: Path, wanted: Callable[[str], bool]) -> dict[str, npt.NDArray[np.generic]]:
    """Return the arrays of an `.npz` archive by name; nothing is unpickled.

    Args:
        path: the archive.
        wanted: tells of a name whether to read that array.

    Raises:
        FileFormatError: damaged, pickled objects, or far more than the file stores.
    """
    arrays: dict[str, npt.NDArray[np.generic]] = {}
    with open_archive(path, free=DATA_BYTES, expected=EXPECTED) as archive:
        for name in archive.names:
            key = name.removesuffix(".npy")
            if key == name or not wanted(key):
                continue
            subject = f"{path}: {printable(key)}"
            with archive.open(name) as stream:
                _check_header(stream, archive.num_bytes(name), subject)
            with archive.open(name) as stream:
                arrays[key] = np.lib.format.read_array(stream, allow_pickle=False)
    return arrays


def _check_header(stream: IO[bytes], num_bytes: int, subject: str) -> None:
    """Compare what a header claims with what is behind it.

    Raises:
        FileFormatError: unlike sizes, a pickle, or no header.
    """
    with parsing(subject, expected=EXPECTED, next_step=NEXT_STEP):
        version = np.lib.format.read_magic(stream)
        read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
        shape, _, dtype = read(stream)
        start = stream.tell()
    if dtype.hasobject:
        found = "pickled objects"
    elif math.prod(shape) * max(1, dtype.itemsize) != num_bytes - start or any(size < 0 for size in shape):
        found = f"{num_bytes - start:,} bytes for {dtype} of shape {list(shape)[:8]}"
    else:
        return
    raise FileFormatError(subject, found=found, expected=EXPECTED, next_step="save it again with numpy.savez")
