"""`.npy` arrays in `.npz` archives: a header that lies about shape or type is found out before memory is taken."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

import numpy as np
import numpy.typing as npt

from edgetool.bounds.archive import NEXT_STEP, BoundedArchive, open_archive
from edgetool.bounds.memory import DATA_BYTES
from edgetool.bounds.parsing import parsing, printable
from edgetool.errors import FileFormatError

__all__ = ["read_npz"]

#: A larger array that is not compressed is mapped, not read.
MOST_READ = 64 << 20

EXPECTED = "a sound .npz without pickled objects"


def read_npz(path: Path, wanted: Callable[[str], bool]) -> dict[str, npt.NDArray[np.generic]]:
    """Return the arrays of an `.npz` archive by name; nothing is unpickled.

    Args:
        path: the archive.
        wanted: tells of a name whether to read that array.

    Returns:
        arrays in memory; those that `numpy.savez` wrote and that are large are read-only, over the file.

    Raises:
        FileFormatError: damaged, pickled objects, or far more than the file stores.
    """
    arrays: dict[str, npt.NDArray[np.generic]] = {}
    with open_archive(path, free=DATA_BYTES, expected=EXPECTED, most_read=MOST_READ) as archive:
        for name in archive.names:
            key = name.removesuffix(".npy")
            if key == name or not wanted(key):
                continue
            subject = f"{path}: {printable(key)}"
            with archive.open(name) as stream:
                header = _read_header(stream, archive.num_bytes(name), subject)
            place = archive.place(name) if archive.num_bytes(name) > MOST_READ else None
            if place is None:
                with archive.open(name) as stream:
                    arrays[key] = np.lib.format.read_array(stream, allow_pickle=False)
            else:
                _require_sound(archive, name, subject)
                arrays[key] = _map(path, place, header)
    return arrays


@dataclass(frozen=True, slots=True)
class _Header:
    """Shape, order and type of an array, and where its values begin behind the header."""

    shape: tuple[int, ...]
    is_fortran: bool
    dtype: np.dtype[np.generic]
    start: int


def _map(path: Path, place: int, header: _Header) -> npt.NDArray[np.generic]:
    order: Literal["C", "F"] = "F" if header.is_fortran else "C"
    return np.asarray(np.memmap(path, header.dtype, "r", place + header.start, header.shape, order))


def _require_sound(archive: BoundedArchive, name: str, subject: str) -> None:
    """Read a member to its end, where zipfile compares the checksum.

    Raises:
        FileFormatError: it is damaged or cut short.
    """
    num_bytes = 0
    with archive.open(name) as stream:
        while part := stream.read(1 << 20):
            num_bytes += len(part)
    if num_bytes != archive.num_bytes(name):
        raise FileFormatError(
            subject,
            found=f"{num_bytes:,} bytes",
            expected=f"{archive.num_bytes(name):,}, as the archive says",
            next_step=NEXT_STEP,
        )


def _read_header(stream: IO[bytes], num_bytes: int, subject: str) -> _Header:
    """Compare what a header claims with what is behind it.

    Raises:
        FileFormatError: unlike sizes, a pickle, or no header.
    """
    with parsing(subject, expected=EXPECTED, next_step=NEXT_STEP):
        version = np.lib.format.read_magic(stream)
        read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
        shape, is_fortran, dtype = read(stream)
        start = stream.tell()
    if dtype.hasobject:
        found = "pickled objects"
    elif math.prod(shape) * max(1, dtype.itemsize) != num_bytes - start or any(size < 0 for size in shape):
        found = f"{num_bytes - start:,} bytes for {dtype} of shape {list(shape)[:8]}"
    else:
        return _Header(shape, is_fortran, dtype, start)
    raise FileFormatError(subject, found=found, expected=EXPECTED, next_step="save it again with numpy.savez")
