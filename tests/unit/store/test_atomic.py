"""A final name never holds half a file."""

from __future__ import annotations

import errno
import os
import resource
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edgetool.errors import DiskFullError, OutputFileError
from edgetool.store.atomic import atomic_path, save_array, write_bytes, write_text, write_texts


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


@pytest.fixture
def small_files() -> Iterator[None]:
    """No file of this process may grow beyond 64 KiB: the system's own error, as of a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_of_several_files_either_all_or_none_appear(tmp_path: Path, small_files: None) -> None:
    out = tmp_path / "new" / "bundle"
    with pytest.raises(DiskFullError, match=r"large\.c"):
        write_texts({out / "small.h": "x", out / "large.c": "x" * (1 << 17)})
    assert os.listdir(tmp_path) == []
    write_texts({out / "small.h": "x", out / "large.c": "y"})
    assert sorted(os.listdir(out)) == ["large.c", "small.h"]


def test_files_that_were_there_stay_when_new_ones_find_no_room(tmp_path: Path, small_files: None) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text("old")
    with pytest.raises(DiskFullError):
        write_texts({tmp_path / "a": "new", tmp_path / "b": "x" * (1 << 17)})
    assert [(tmp_path / name).read_text() for name in ("a", "b")] == ["old", "old"]
    assert sorted(os.listdir(tmp_path)) == ["a", "b"]


def test_an_array_that_finds_no_room_is_a_full_disk(tmp_path: Path, small_files: None) -> None:
    """NumPy's own `save` raises an error without a number here."""
    with pytest.raises(DiskFullError, match=r"x\.npy"):
        save_array(tmp_path / "x.npy", np.zeros(1 << 15))
    save_array(tmp_path / "y.npy", np.arange(6).reshape(2, 3).T)
    assert np.array_equal(np.load(tmp_path / "y.npy"), np.arange(6).reshape(2, 3).T)


def test_a_folder_keeps_its_content_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    path.mkdir()
    (path / "old").write_text("old")
    with pytest.raises(DiskFullError), atomic_path(path) as temporary:
        temporary.mkdir()
        raise OSError(errno.EDQUOT, "Disk quota exceeded")
    assert os.listdir(path) == ["old"]
    assert os.listdir(tmp_path) == ["folder"]


def test_a_name_as_long_as_the_system_takes_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / f"{'n' * 250}.json"
    write_text(path, "{}")
    assert path.read_text() == "{}"


def test_a_large_array_is_written_in_parts(tmp_path: Path) -> None:
    parts: list[bool] = []
    array = np.arange(6 << 20).reshape(6, -1)
    save_array(tmp_path / "x.npy", array, lambda: parts.append(True))
    assert len(parts) >= 4  # the header, and 48 MB
    np.testing.assert_array_equal(np.load(tmp_path / "x.npy"), array)
