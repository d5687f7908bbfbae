"""A final name never holds half a file."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from edgetool.errors import DiskFullError, OutputFileError
from edgetool.store.atomic import atomic_path, write_bytes, write_text


def test_write_replaces_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.txt"
    write_text(path, "one")
    write_bytes(path, b"two")
    assert path.read_bytes() == b"two"
    assert os.listdir(path.parent) == ["file.txt"]


def test_an_error_keeps_the_old_content(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    write_text(path, "old")
    with pytest.raises(RuntimeError), atomic_path(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError("boom")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file.txt"]


def test_a_full_disk_is_said_so(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    with pytest.raises(DiskFullError), atomic_path(path):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert not path.exists()


def test_a_folder_can_be_replaced(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    for text in ("one", "two"):
        with atomic_path(path) as temporary:
            temporary.mkdir()
            (temporary / text).write_text(text)
    assert os.listdir(path) == ["two"]


def test_an_unwritable_place_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputFileError):
        write_text(tmp_path / "file" / "below", "x")
