"""What lies at a path that a user named: a file that can be read, or the reason why not.

A FIFO would block the program that opens it, a device never ends, and a name may be longer than the system takes.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from edgetool.errors import MissingFileError

__all__ = ["is_there", "read_file", "require_folder", "require_readable"]

KINDS = (
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def is_there(path: Path) -> bool:
    """Tell whether anything is at `path`; no error for names that no system could hold."""
    return os.path.exists(path)  # noqa: PTH110 - Path.exists raises on long names


def require_readable(path: Path, *, expected: str, next_step: str = "check the path") -> None:
    """Refuse what is no regular file or folder, or cannot be read.

    Args:
        path: what the user named.
        expected: what should be there, in words.
        next_step: what to do where nothing is there.

    Raises:
        MissingFileError: says what is there instead.
    """
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as exc:
        found = getattr(exc, "strerror", None) or str(exc)
        raise MissingFileError(_short(path), found=found, expected=expected, next_step=next_step) from None
    kind = next((name for is_kind, name in KINDS if is_kind(mode)), None)
    if kind is not None:
        raise MissingFileError(
            str(path), found=kind, expected=expected, next_step="write what it gives to a file, and give that"
        )
    if not os.access(path, os.R_OK):
        raise MissingFileError(
            str(path), found="no permission to read it", expected=expected, next_step="check its permissions"
        )


def require_folder(path: Path) -> None:
    """Refuse to write into a folder that is no more: writing would make a new one, which belongs to no run.

    Raises:
        MissingFileError: names it.
    """
    if not path.is_dir():
        raise MissingFileError(
            str(path), found="no such folder", expected="the folder of the run", next_step="run the command again"
        )


def read_file(path: Path, *, expected: str, max_bytes: int) -> bytes:
    """Return the content of a regular file.

    Args:
        path: of the file.
        expected: what it should be, in words.
        max_bytes: nothing that is larger can be meant.

    Raises:
        MissingFileError: it is not there, is no regular file, is too large or cannot be read.
    """
    require_readable(path, expected=expected)
    try:
        num_bytes = path.stat().st_size
        if num_bytes <= max_bytes:
            return path.read_bytes()
    except OSError as exc:
        raise MissingFileError(
            str(path), found=exc.strerror or str(exc), expected=expected, next_step="check the path and the disk"
        ) from None
    raise MissingFileError(
        str(path),
        found=f"{num_bytes:,} bytes",
        expected=f"{expected}, of {max_bytes:,} at most",
        next_step="check the path",
    )


def _short(path: Path) -> str:
    """Return a path that a person can read in a message."""
    text = str(path)
    return text if len(text) <= 300 else f"{text[:140]}...{text[-140:]}"
