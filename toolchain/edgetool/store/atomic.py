"""Write files so that a final name never holds half a file."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from edgetool.errors import DiskFullError, EdgetoolError, OutputFileError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "atomic_path",
    "disk_error",
    "is_full",
    "no_room",
    "save_array",
    "write_bytes",
    "write_text",
    "write_texts",
]


@contextlib.contextmanager
def atomic_path(final: Path) -> Iterator[Path]:
    """Give a temporary sibling of `final`; on success it takes the final name, on any error it is removed.

    Works for files and for folders. The temporary name starts with a dot and ends with the suffix of `final`, because
    some writers choose the format by suffix.

    Raises:
        DiskFullError: no space left on the device.
        OutputFileError: the place cannot be written.
    """
    holder = final.parent / f".{final.stem[:40]}-{secrets.token_hex(4)}"
    temporary = holder / final.name
    new_folders = [folder for folder in (final.parent, *final.parent.parents) if not os.path.lexists(folder)]
    finished = False
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        holder.mkdir(mode=0o700)
        yield temporary
        if temporary.is_file():
            _sync(temporary)
        if final.is_dir() and temporary.is_dir():
            final.replace(holder / "old")
        temporary.replace(final)
        finished = True
    except OSError as exc:
        raise disk_error(exc, final) from exc
    finally:
        shutil.rmtree(holder, ignore_errors=True)
        if not finished:
            for folder in new_folders:
                with contextlib.suppress(OSError):
                    folder.rmdir()


def _sync(path: Path) -> None:
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())


def write_bytes(final: Path, content: bytes) -> None:
    """Write `content` to `final` atomically."""
    with atomic_path(final) as temporary:
        temporary.write_bytes(content)


def write_text(final: Path, content: str) -> None:
    """Write `content` to `final` atomically, as UTF-8."""
    write_bytes(final, content.encode("utf-8"))


def write_texts(contents: Mapping[Path, str]) -> None:
    """Write several files, of one folder or of many, as UTF-8: none takes its final name before all are written."""
    with contextlib.ExitStack() as stack:
        for final, content in contents.items():
            temporary = stack.enter_context(atomic_path(final))
            temporary.write_bytes(content.encode("utf-8"))
            _sync(temporary)


def save_array(path: Path, array: NDArray[Any], after_part: Callable[[], None] | None = None) -> None:
    """Write a `.npy` file into a folder that is there.

    Args:
        path: of the file.
        array: written some megabytes at a time.
        after_part: called after each of these parts.

    Raises:
        DiskFullError, OutputFileError: it cannot be written.
    """
    from numpy.lib import format as npy

    try:
        with path.open("wb") as stream:
            npy.write_array(_Writer(stream, after_part), array, allow_pickle=False)
    except OSError as exc:
        raise disk_error(exc, path) from None


class _Writer:
    """A stream without a file descriptor: NumPy writes to a descriptor by itself and then hides what went wrong."""

    def __init__(self, stream: IO[bytes], after_part: Callable[[], None] | None) -> None:
        self._stream = stream
        self._after_part = after_part

    def write(self, part: bytes) -> int:
        num_bytes = self._stream.write(part)
        if self._after_part is not None:
            self._after_part()
        return num_bytes


def is_full(exc: OSError) -> bool:
    """Tell whether a disk, a quota or a limit on the size of files kept something from being written."""
    return exc.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) or os.strerror(errno.ENOSPC) in str(exc)


def no_room(subject: str) -> DiskFullError:
    """Return the error of a full disk."""
    return DiskFullError(
        subject,
        found="no space left on the device",
        expected="room to write it",
        next_step="free space, run again",
    )


def disk_error(exc: OSError, path: Path) -> EdgetoolError:
    """Translate an operating-system error on writing `path` into the error a user can act on."""
    if is_full(exc):
        return no_room(str(path))
    return OutputFileError(
        str(path),
        found=exc.strerror or str(exc),
        expected="a place that can be written",
        next_step="choose another -o/--out",
    )
