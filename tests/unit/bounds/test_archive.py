"""Zip archives: what they claim is checked before it is expanded."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from edgetool.bounds.archive import open_archive
from edgetool.bounds.memory import MODEL_BYTES
from edgetool.errors import FileFormatError


def archive(path: Path, method: int = zipfile.ZIP_DEFLATED, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", method) as out:
        for name, content in members.items():
            out.writestr(name, content)
    return path


def test_members_are_read(tmp_path: Path) -> None:
    path = archive(tmp_path / "m.zip", a=b"1" * 100_000, b=b"2")
    for source in (path, path.read_bytes()):
        with open_archive(source, free=MODEL_BYTES) as found:
            assert found.names == ("a", "b") and "a" in found and "c" not in found
            assert (found.read("b"), found.num_bytes("a"), len(found.read("a"))) == (b"2", 100_000, 100_000)
            with pytest.raises(FileFormatError, match="without c"):
                found.read("c")


def test_a_bomb_is_refused_before_it_is_expanded(tmp_path: Path) -> None:
    path = archive(tmp_path / "m.zip", a=bytes(1 << 22), b=bytes(1 << 22))
    with pytest.raises(FileFormatError, match="claim 8,388,608 bytes"), open_archive(path, free=1 << 22):
        pass


def test_a_header_that_lies_is_damage(tmp_path: Path) -> None:
    path = archive(tmp_path / "m.zip", a=b"1" * 100_000)
    content = path.read_bytes().replace((100_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    with open_archive(content, free=MODEL_BYTES) as found, pytest.raises(FileFormatError):
        found.read("a")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_that_cannot_be_stopped_are_refused(method: int, tmp_path: Path) -> None:
    path = archive(tmp_path / "m.zip", method, a=b"1")
    with pytest.raises(FileFormatError, match="compressed by method"), open_archive(path, free=MODEL_BYTES):
        pass


def test_two_members_of_one_name_are_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "m.zip", a=b"1")
    with zipfile.ZipFile(path, "a") as out, pytest.warns(UserWarning, match="Duplicate"):
        out.writestr("a", b"2")
    with pytest.raises(FileFormatError, match="two members"), open_archive(path, free=MODEL_BYTES):
        pass


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no archive"])
def test_damage(content: bytes) -> None:
    with pytest.raises(FileFormatError), open_archive(content, free=MODEL_BYTES, subject="m"):
        pass
