"""Files out of a zip archive, as public downloads pack them."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path

from edgetool.errors import DataError

__all__ = ["read_member"]

#: What zipfile and zlib raise on a damaged archive; NotImplementedError and RuntimeError come from a forged header.
DAMAGED = (OSError, EOFError, ValueError, NotImplementedError, RuntimeError, zlib.error, zipfile.BadZipFile)

#: No member that edgetool reads is larger; a forged archive may claim to be.
MAX_BYTES = 1 << 28


def read_member(path: Path, name: str) -> bytes:
    """Return the content of the file `name` in the zip archive `path`, or in a zip archive inside it.

    Args:
        path: the archive.
        name: the file's own name; the folder that it lies in does not matter.

    Raises:
        DataError: the archive is damaged, or has no such file.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            found = _find(archive, name)
    except DAMAGED as exc:
        raise DataError(
            str(path),
            found=f"a damaged archive ({exc})",
            expected=f"a zip archive with {name}",
            next_step="delete it and run again, to get it anew",
        ) from None
    if found is None:
        raise DataError(
            str(path), found=f"no {name}", expected="the published archive", next_step="delete it and run again"
        )
    return found


def _find(archive: zipfile.ZipFile, name: str) -> bytes | None:
    for member in archive.infolist():
        if Path(member.filename).name == name:
            return _read(archive, member)
    for member in archive.infolist():
        if member.filename.endswith(".zip"):
            with zipfile.ZipFile(io.BytesIO(_read(archive, member))) as inner:
                found = _find(inner, name)
            if found is not None:
                return found
    return None


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    if member.file_size > MAX_BYTES:
        raise ValueError(f"{member.filename} of {member.file_size:,} bytes")
    return archive.read(member)
