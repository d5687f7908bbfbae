"""Files out of a zip archive, as public downloads pack them."""

from __future__ import annotations

from pathlib import Path

from edgetool.bounds.archive import BoundedArchive, open_archive
from edgetool.bounds.memory import MODEL_BYTES
from edgetool.errors import DataError

__all__ = ["read_member"]

EXPECTED = "a sound archive; delete it and run again, to get it anew"


def read_member(path: Path, name: str) -> bytes:
    """Return the content of the file `name` in the zip archive `path`, or in a zip archive inside it.

    Args:
        path: the archive.
        name: the file's own name; the folder that it lies in does not matter.

    Raises:
        FileFormatError: the archive is damaged.
        DataError: it has no such file.
    """
    with open_archive(path, free=MODEL_BYTES, expected=EXPECTED) as archive:
        member = _find(archive, name)
    if member is None:
        raise DataError(
            str(path), found=f"no {name}", expected="the published archive", next_step="delete it and run again"
        )
    return member


def _find(archive: BoundedArchive, name: str) -> bytes | None:
    for member in archive.names:
        if Path(member).name == name:
            return archive.read(member)
    for member in archive.names:
        if member.endswith(".zip"):
            with open_archive(archive.read(member), free=MODEL_BYTES, subject=member, expected=EXPECTED) as inner:
                inner_member = _find(inner, name)
            if inner_member is not None:
                return inner_member
    return None
