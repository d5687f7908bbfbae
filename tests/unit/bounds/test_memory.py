"""What a file may claim follows from what it stores and from the memory of the machine."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from edgetool.bounds import memory
from edgetool.errors import FileFormatError, MissingFileError


def sparse_file(path: Path, size: int) -> Path:
    with path.open("wb") as stream:
        stream.write(b"start")
        stream.truncate(size)
    return path


def test_small_files_may_expand_to_the_free_bytes_and_large_ones_by_a_factor() -> None:
    assert memory.allowed_bytes(10, memory.DATA_BYTES) == memory.DATA_BYTES
    assert memory.allowed_bytes(1 << 25, memory.MODEL_BYTES) == memory.EXPANSION << 25
    assert memory.allowed_bytes(1 << 60, memory.DATA_BYTES) <= memory.total_memory_bytes()


def test_claims_beyond_that_are_refused() -> None:
    memory.require_bounded("m", memory.DATA_BYTES, 1000, memory.DATA_BYTES)
    with pytest.raises(FileFormatError, match="1,000 stored bytes"):
        memory.require_bounded("m", memory.DATA_BYTES + 1, 1000, memory.DATA_BYTES)


def test_holes_are_not_stored(tmp_path: Path) -> None:
    path = sparse_file(tmp_path / "m.tflite", 20 << 30)
    if path.stat().st_blocks * 512 >= path.stat().st_size:
        pytest.skip("this file system has no sparse files")
    assert memory.stored_bytes(path) < 1 << 20
    assert memory.stored_bytes(tmp_path) < 1 << 20
    with pytest.raises(FileFormatError, match="claim"):
        memory.read_file(path)


def test_plain_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(b"abc")
    assert memory.read_file(tmp_path / "m") == b"abc"
    assert memory.stored_bytes(tmp_path / "m") == 3


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "none", ""):
        with pytest.raises(MissingFileError):
            memory.read_file(tmp_path / name)


def test_a_loader_takes_no_more_than_it_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    resource = pytest.importorskip("resource")
    if sys.platform != "linux":
        pytest.skip("memory is bounded on Linux only")
    before = resource.getrlimit(resource.RLIMIT_DATA)
    monkeypatch.setattr(memory, "LOADING_BYTES", 64 << 20)
    (tmp_path / "m").write_bytes(b"abc")
    with memory.bounded_memory(tmp_path / "m"):
        assert len(bytearray(16 << 20)) == 16 << 20
        with pytest.raises(MemoryError):
            bytearray(512 << 20)
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


def test_a_container_limits_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "max").write_text("1048576\n")
    (tmp_path / "none").write_text("max\n")
    monkeypatch.setattr(memory, "CGROUP_LIMITS", (str(tmp_path / "none"), str(tmp_path / "no"), str(tmp_path / "max")))
    assert memory.total_memory_bytes() == 1 << 20
