"""One process at a time in a folder that a run writes."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from edgetool.errors import OutputFileError, RunExistsError

__all__ = ["folder_lock"]


@contextlib.contextmanager
def folder_lock(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on the folder; the system lets go of it however the process ends.

    Args:
        path: a folder that exists; `.lock` is made in it and stays.

    Raises:
        RunExistsError: another process holds it.
        OutputFileError: the folder cannot be written to.
    """
    try:
        descriptor = os.open(path / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as exc:
        raise OutputFileError(
            str(path), found=exc.strerror or str(exc), expected="a folder to write to", next_step="choose another --out"
        ) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise RunExistsError(
            str(path),
            found="another edgetool process at work in it",
            expected="one process a run folder",
            next_step="wait for it to end, or choose another -o/--out",
        ) from None
    finally:
        os.close(descriptor)
