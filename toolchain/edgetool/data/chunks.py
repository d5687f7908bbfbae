"""Arrays that memory is not meant to hold: worked through in chunks, with large results in a temporary file.

A data set may be larger than memory. Its arrays are mapped from the file that they lie in, and what is made of them
(a choice of samples, values in float32) is written to a file without a name, which ends with the last array over it.
`TMPDIR` says where.
"""

from __future__ import annotations

import math
import mmap
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgetool.store.atomic import disk_error

__all__ = ["MEMORY_BYTES", "Array", "chunks", "convert_rows", "let_go", "take_rows"]

Array = npt.NDArray[Any]

#: A result that takes more lies in a file.
MEMORY_BYTES = 256 << 20
#: What is worked on at once.
CHUNK_BYTES = 16 << 20


def chunks(array: Array) -> Iterator[Array]:
    """Yield the rows of an array in order, some at a time; pages of a mapped file do not stay behind."""
    for start, stop in _spans(array):
        yield array[start:stop]
        let_go(array)


def take_rows(array: Array, chosen: Array) -> Array:
    """Return the rows that a mask or a list of indices chooses, as `array[chosen]` does.

    Returns:
        an array in memory, or read-only over a temporary file where it is large.

    Raises:
        DiskFullError, OutputFileError: the temporary file cannot be written.
    """
    indices = np.flatnonzero(chosen) if chosen.dtype == np.bool_ else chosen
    shape = (len(indices), *array.shape[1:])
    is_small = math.prod(shape) * array.itemsize <= MEMORY_BYTES
    if is_small and _mapping(array) is None:
        return np.asarray(array[chosen])
    step = _rows_at_once(array)
    parts = (array[indices[start : start + step]] for start in range(0, len(indices), step))
    return (_in_memory if is_small else _in_file)(parts, array, array.dtype, shape)


def convert_rows(array: Array, convert: Callable[[Array], Array]) -> Array:
    """Return `convert(array)`, which makes one row of each row.

    Values in an archive may begin at any byte, where runtimes want numbers of four bytes at multiples of four.

    Returns:
        what `convert` returned, or an array over a temporary file as in `take_rows`.

    Raises:
        DiskFullError, OutputFileError: the temporary file cannot be written.
    """
    first = convert(array[:1])
    if len(array) * first.nbytes <= MEMORY_BYTES:
        return np.require(convert(array), requirements="A")
    if first.dtype == array.dtype and np.shares_memory(first, array) and array.flags.aligned:
        return convert(array)
    parts = (convert(array[start:stop]) for start, stop in _spans(array))
    return _in_file(parts, array, first.dtype, (len(array), *first.shape[1:]))


def let_go(array: Array) -> None:
    """Give back the memory that pages of a mapped file take; they are read again when they are needed."""
    mapping = _mapping(array)
    if mapping is not None and hasattr(mmap, "MADV_DONTNEED"):
        mapping.madvise(mmap.MADV_DONTNEED)


def _mapping(array: Array) -> mmap.mmap | None:
    """Return the mapping of a file that an array lies in; None: it lies in memory."""
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    return base if isinstance(base, mmap.mmap) else None


def _spans(array: Array) -> Iterator[tuple[int, int]]:
    step = _rows_at_once(array)
    for start in range(0, len(array), step):
        yield start, min(start + step, len(array))


def _rows_at_once(array: Array) -> int:
    return max(1, CHUNK_BYTES // max(1, math.prod(array.shape[1:]) * array.itemsize))


def _in_memory(parts: Iterator[Array], source: Array, dtype: np.dtype[np.generic], shape: tuple[int, ...]) -> Array:
    whole = np.empty(shape, dtype)
    start = 0
    for part in parts:
        whole[start : start + len(part)] = part
        start += len(part)
        let_go(source)
    return whole


def _in_file(parts: Iterator[Array], source: Array, dtype: np.dtype[np.generic], shape: tuple[int, ...]) -> Array:
    """Write parts of an array to a file that has no name any more, and map it."""
    try:
        with tempfile.TemporaryFile() as stream:
            for part in parts:
                stream.write(np.ascontiguousarray(part, dtype).data)
                let_go(source)
            stream.flush()
            return np.asarray(np.memmap(stream, dtype, "r", shape=shape))
    except OSError as exc:
        raise disk_error(exc, Path(tempfile.gettempdir())) from None
