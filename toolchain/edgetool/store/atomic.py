"""Write files so that a final name never holds half a file."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from edgetool.errors import DiskFullError, EdgetoolError, OutputFileError

__all__ = ["atomic_path", "disk_error", "write_bytes", "write_text"]


@contextlib.contextmanager
def atomic_path(final: Path) -> Iterator[Path]:
    """Give a temporary sibling of `final`; on success it takes the final name, on any error it is removed.

    Works for files and for folders. The temporary name starts with a dot and ends with the suffix of `final`, because
    some writers choose the format by suffix.

    Raises:
        DiskFullError: no space left on the device.
        OutputFileError: the place cannot be written.
    """
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        holder = Path(tempfile.mkdtemp(prefix=f".{final.stem}-", dir=final.parent))
    except OSError as exc:
        raise disk_error(exc, final) from None
    temporary = holder / final.name
    try:
        yield temporary
        if temporary.is_file():
            with temporary.open("rb+") as stream:
                os.fsync(stream.fileno())
        if final.is_dir() and temporary.is_dir():
            shutil.rmtree(final)
        temporary.replace(final)
    except OSError as exc:
        raise disk_error(exc, final) from exc
    finally:
        shutil.rmtree(holder, ignore_errors=True)


def write_bytes(final: Path, content: bytes) -> None:
    """Write `content` to `final` atomically."""
    with atomic_path(final) as temporary:
        temporary.write_bytes(content)


def write_text(final: Path, content: str) -> None:
    """Write `content` to `final` atomically, as UTF-8."""
    write_bytes(final, content.encode("utf-8"))


def disk_error(exc: OSError, path: Path) -> EdgetoolError:
    """Translate an operating-system error on writing `path` into the error a user can act on."""
    if exc.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFullError(
            str(path),
            found="no space left on the device",
            expected="room to write it",
            next_step="free space, run again",
        )
    return OutputFileError(
        str(path),
        found=exc.strerror or str(exc),
        expected="a place that can be written",
        next_step="choose another -o/--out",
    )
