"""How much memory a file may ask for: a multiple of what it stores, and never more than this machine has."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

from edgetool.errors import FileFormatError, MissingFileError

__all__ = [
    "DATA_BYTES",
    "EXPANSION",
    "MODEL_BYTES",
    "allowed_bytes",
    "bounded_allocation",
    "bounded_memory",
    "limit_memory",
    "read_file",
    "require_bounded",
    "stored_bytes",
    "total_memory_bytes",
]

#: A file may always expand to so many bytes, however few it stores. Data compress well, weights do not.
DATA_BYTES = 1 << 30
MODEL_BYTES = 1 << 28

#: Beyond that, it may expand to so many bytes for each byte that it stores.
EXPANSION = 64

#: A parser may take so much memory beside the libraries it loads, and so many times the size of the file.
GUARD_BYTES = 2 << 30
GUARD_FACTOR = 24

#: A framework may take so much while it loads a small file.
LOADING_BYTES = 4 << 30

#: Where Linux says how much memory a container may take.
CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def total_memory_bytes() -> int:
    """Return the memory that this process may take: the machine's, or its container's if that is less."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for name in CGROUP_LIMITS:
        try:
            text = Path(name).read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            continue
        if text.isdecimal():
            total = min(total, int(text))
    return total


def stored_bytes(path: Path) -> int:
    """Return the bytes of a file (or of the files in a folder) that are stored: holes of sparse files are none."""
    if path.is_dir():
        return sum(stored_bytes(file) for file in path.rglob("*") if file.is_file())
    status = path.stat()
    if status.st_size <= MODEL_BYTES or status.st_blocks * 512 >= status.st_size:
        return status.st_size
    try:
        return _data_bytes(path, status.st_size)
    except OSError:  # a file system that does not tell holes
        return status.st_size


def allowed_bytes(stored: int, free: int) -> int:
    """Return how many bytes a file of `stored` bytes may expand to.

    Args:
        stored: what the file takes on the disk.
        free: allowed in any case: `DATA_BYTES` or `MODEL_BYTES`.
    """
    return min(max(free, EXPANSION * stored), total_memory_bytes() * 3 // 4)


def require_bounded(subject: str, claimed: int, stored: int, free: int, *, mapped: int = 0) -> None:
    """Refuse a file that claims to hold far more than it stores, or more than fits into memory.

    Args:
        subject: the file, for the message.
        claimed: bytes that reading it would take.
        stored: see `allowed_bytes`.
        free: see `allowed_bytes`.
        mapped: bytes of what is claimed that are not read into memory.

    Raises:
        FileFormatError: it claims more than it may.
    """
    limit = allowed_bytes(stored, free)
    if claimed - mapped > limit or claimed > max(free, EXPANSION * stored):
        raise FileFormatError(
            subject,
            found=f"contents that claim {claimed:,} bytes in {stored:,} stored bytes",
            expected=f"at most {limit:,} bytes for a file of this size on this machine",
            next_step="get the file again from a source that you know, or save less in one file",
        )


def read_file(path: Path, *, free: int = MODEL_BYTES) -> bytes:
    """Return the content of a file if it is a regular one and fits into memory.

    Raises:
        MissingFileError: it cannot be read, or is a folder, a device or a pipe.
        FileFormatError: it is sparse and claims far more than it stores, or is larger than memory.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise MissingFileError(
                str(path), found="no regular file", expected="a file", next_step="give the path of a file"
            )
        require_bounded(str(path), status.st_size, stored_bytes(path), free)
        return path.read_bytes()
    except OSError as exc:
        raise MissingFileError(
            str(path),
            found=exc.strerror or str(exc),
            expected="a readable file",
            next_step="check the path and its permissions",
        ) from None


def limit_memory(path: Path) -> int:
    """Limit the address space of this process to what it has, and what an honest file of this size takes.

    Returns:
        the bytes that are left; the limit itself is set on Linux only.
    """
    allowance = GUARD_BYTES + GUARD_FACTOR * (stored_bytes(path) if path.is_file() else 0)
    if sys.platform == "linux":
        import resource

        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        wanted = pages * resource.getpagesize() + allowance
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))
    return allowance


@contextlib.contextmanager
def bounded_memory(path: Path) -> Iterator[None]:
    """Bound what this process may add to its memory while a framework loads a file; see `bounded_allocation`."""
    with bounded_allocation(min(max(LOADING_BYTES, GUARD_FACTOR * stored_bytes(path)), total_memory_bytes() * 3 // 4)):
        yield


@contextlib.contextmanager
def bounded_allocation(allowance: int) -> Iterator[None]:
    """Bound what this process may add to its memory: more raises MemoryError, or what a library makes of it.

    The limit counts memory that can be written to, on Linux only. Address space that threads reserve does not count: it
    grows with the number of cores.

    Args:
        allowance: bytes.
    """
    if sys.platform != "linux":
        yield
        return
    import resource

    text = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    used = int(text.partition("VmData:")[2].split()[0]) << 10
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limits = [used + allowance, *(limit for limit in (soft, hard) if limit != resource.RLIM_INFINITY)]
    resource.setrlimit(resource.RLIMIT_DATA, (min(limits), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _data_bytes(path: Path, size: int) -> int:
    """Add up the extents of a file that hold data."""
    total = position = 0
    with path.open("rb") as stream:
        while position < size:
            try:
                start = os.lseek(stream.fileno(), position, os.SEEK_DATA)
            except OSError:  # no data behind the position
                break
            position = os.lseek(stream.fileno(), start, os.SEEK_HOLE)
            total += position - start
    return total
