"""What a user may name instead of a file."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from edgetool.errors import MissingFileError
from edgetool.paths import is_there, read_file, require_folder, require_readable


@pytest.mark.parametrize("kind", ["fifo", "socket", "device", "missing", "long", "loop", "below a file", "nul"])
def test_what_is_no_file_is_refused_at_once_and_by_name(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.onnx"
    found = {
        "fifo": "a FIFO",
        "socket": "a socket",
        "device": "a device",
        "missing": "No such file",
        "long": "too long",
        "loop": "symbolic links",
        "below a file": "Not a directory",
        "nul": "null byte",
    }[kind]
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "socket":
        monkeypatch.chdir(tmp_path)  # an address has at most 108 bytes
        socket.socket(socket.AF_UNIX).bind("model.onnx")
    elif kind == "device":
        path = Path("/dev/zero")
    elif kind == "long":
        path = tmp_path / ("x" * 300)
    elif kind == "loop":
        path.symlink_to(path)
    elif kind == "below a file":
        (tmp_path / "file").write_text("")
        path = tmp_path / "file" / "model.onnx"
    elif kind == "nul":
        path = tmp_path / "a\0b"
    with pytest.raises(MissingFileError) as caught:
        require_readable(path, expected="a model")
    assert found in caught.value.found and len(str(caught.value)) < 700
    assert is_there(path) == (kind in ("fifo", "socket", "device"))


def test_files_and_folders_pass(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    require_readable(tmp_path, expected="a folder")
    assert read_file(tmp_path / "file", expected="a file", max_bytes=7) == b"content"
    with pytest.raises(MissingFileError, match="7 bytes"):
        read_file(tmp_path / "file", expected="a file", max_bytes=6)


def test_what_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="directory"):
        read_file(tmp_path, expected="a file", max_bytes=10**6)


def test_a_folder_that_is_no_more_is_named(tmp_path: Path) -> None:
    require_folder(tmp_path)
    with pytest.raises(MissingFileError, match="gone"):
        require_folder(tmp_path / "gone")


def test_permissions_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # tests may run as root, who reads everything
    with pytest.raises(MissingFileError, match="permission"):
        require_readable(tmp_path / "file", expected="a file")
