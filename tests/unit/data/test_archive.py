"""Files in zip archives, in archives inside them, and damaged ones."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from edgetool.data import archive
from edgetool.data.archive import read_member
from edgetool.errors import DataError, FileFormatError


def _zip(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members.items():
            made.writestr(name.replace("__", "."), content)
    return stream.getvalue()


def test_a_file_is_found_in_a_folder_and_in_an_inner_archive(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(_zip(**{"folder/a.txt": b"outer", "inner.zip": _zip(b__txt=b"inner")}))
    assert read_member(path, "a.txt") == b"outer" and read_member(path, "b.txt") == b"inner"


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(_zip(a__txt=b"a"))
    with pytest.raises(DataError, match=r"a\.zip: no c\.txt"):
        read_member(path, "c.txt")


@pytest.mark.parametrize("part", [slice(0, -40), slice(0, 0), slice(30, None)])
def test_a_damaged_archive_is_refused(tmp_path: Path, part: slice) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(_zip(a__txt=bytes(range(256)) * 8)[part])
    with pytest.raises(FileFormatError, match="damaged"):
        read_member(path, "a.txt")


def test_a_flipped_byte_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    content = bytearray(_zip(a__txt=bytes(range(256)) * 8))
    content[60] ^= 0xFF
    path.write_bytes(bytes(content))
    with pytest.raises(FileFormatError, match="damaged"):
        read_member(path, "a.txt")


def test_a_file_too_large_to_be_true_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MODEL_BYTES", 100_000)
    path = tmp_path / "a.zip"
    path.write_bytes(_zip(a__txt=bytes(100_001), b__txt=bytes(10_000)))
    with pytest.raises(FileFormatError, match="claim 110,001 bytes"):
        read_member(path, "a.txt")
