"""Zip archives read within bounds: no member twice, no method that cannot be stopped, no more than was allowed."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from edgetool.bounds.memory import require_bounded, stored_bytes
from edgetool.bounds.parsing import parsing, printable
from edgetool.errors import FileFormatError

__all__ = ["BoundedArchive", "open_archive"]

#: More members than any model or data set has.
MAX_MEMBERS = 1 << 17

#: zipfile stops these at the size that the header claims; it expands whole blocks of bzip2 and LZMA.
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

#: Before the name of a member.
LOCAL_HEADER_BYTES = 30

NEXT_STEP = "get the file again; it may be cut short or not what its name says"


class BoundedArchive:
    """An archive whose members together claim no more than they may.

    Attributes:
        names: of the members, each one once.
    """

    def __init__(self, archive: zipfile.ZipFile, subject: str, expected: str) -> None:
        self._archive = archive
        self._members = {member.filename: member for member in archive.infolist()}
        self._subject = subject
        self._expected = expected
        self.names = tuple(self._members)

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def num_bytes(self, name: str) -> int:
        """Return the size that a member claims."""
        return self._member(name).file_size

    def place(self, name: str) -> int | None:
        """Return where in its file the bytes of a member begin; None where they are compressed.

        The local header has a name and an extra field of its own lengths (APPNOTE.TXT, 4.3.7).
        """
        member = self._member(name)
        stream = self._archive.fp
        if member.compress_type != zipfile.ZIP_STORED or stream is None:
            return None
        stream.seek(member.header_offset)
        header = stream.read(LOCAL_HEADER_BYTES)
        lengths = (int.from_bytes(header[at : at + 2], "little") for at in (26, 28))
        return member.header_offset + LOCAL_HEADER_BYTES + sum(lengths)

    def read(self, name: str) -> bytes:
        """Return the content of a member.

        Raises:
            FileFormatError: there is no such member, or it is damaged.
        """
        with self.open(name) as stream:
            return stream.read()

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """Open a member as a stream; what is raised while it is read becomes a `FileFormatError`."""
        member = self._member(name)
        subject = f"{self._subject}: {printable(name)}"
        with parsing(subject, expected=self._expected, next_step=NEXT_STEP), self._archive.open(member) as stream:
            yield stream

    def _member(self, name: str) -> zipfile.ZipInfo:
        if name not in self._members:
            raise FileFormatError(
                self._subject, found=f"an archive without {name}", expected=self._expected, next_step=NEXT_STEP
            )
        return self._members[name]


@contextmanager
def open_archive(
    source: Path | bytes,
    *,
    free: int,
    subject: str = "",
    expected: str = "a sound zip archive",
    most_read: int | None = None,
) -> Iterator[BoundedArchive]:
    """Open a zip archive and check what its members claim before any of them is expanded.

    Args:
        source: a file, or its content.
        free: bytes that it may expand to in any case: `DATA_BYTES` or `MODEL_BYTES`.
        subject: for messages; default: the path.
        expected: what the file should have been, for messages.
        most_read: members of more bytes that are not compressed are mapped, not read, and take no memory.

    Raises:
        FileFormatError: damaged, members of one name, unusual compression, or far too large once expanded.
    """
    stored = len(source) if isinstance(source, bytes) else stored_bytes(source)
    subject = subject or ("archive" if isinstance(source, bytes) else str(source))
    with parsing(subject, expected=expected, next_step=NEXT_STEP):
        archive = zipfile.ZipFile(io.BytesIO(source) if isinstance(source, bytes) else source)
    with archive:
        members = archive.infolist()
        _require_plain(subject, members, expected)
        mapped = sum(member.file_size for member in members if _is_mapped(member, most_read))
        require_bounded(subject, sum(member.file_size for member in members), stored, free, mapped=mapped)
        yield BoundedArchive(archive, subject, expected)


def _is_mapped(member: zipfile.ZipInfo, most_read: int | None) -> bool:
    """Tell whether the bytes of a member lie in the file as they are, and are too many to be read."""
    return most_read is not None and member.compress_type == zipfile.ZIP_STORED and member.file_size > most_read


def _require_plain(subject: str, members: list[zipfile.ZipInfo], expected: str) -> None:
    found = ""
    if len(members) > MAX_MEMBERS:
        found = f"an archive of {len(members):,} members"
    elif len({member.filename for member in members}) < len(members):
        found = "two members of one name"
    else:
        odd = next((member for member in members if member.compress_type not in METHODS), None)
        if odd is not None:
            found = f"{printable(odd.filename)} compressed by method {odd.compress_type}"
    if found:
        raise FileFormatError(subject, found=found, expected=expected, next_step=NEXT_STEP)
