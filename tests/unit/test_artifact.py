"""Formats are told by content, digests by every byte."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from edgetool.artifact import digest_path, num_bytes, require_format, sniff_format
from edgetool.errors import FileFormatError, MissingFileError, UnsupportedModelError


def _keras(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{}")
    return path


def test_sniff_format_reads_content_not_suffix(tmp_path: Path) -> None:
    flat = tmp_path / "model.bin"
    flat.write_bytes(b"\x1c\0\0\0TFL3" + bytes(64))
    assert sniff_format(flat) == "tflite"
    h5 = tmp_path / "model.dat"
    h5.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(64))
    assert sniff_format(h5) == "h5"
    onnx = tmp_path / "model.x"
    onnx.write_bytes(b"\x08\x08\x12\x07pytorch")
    assert sniff_format(onnx) == "onnx"
    assert sniff_format(_keras(tmp_path / "m.zip")) == "keras"
    folder = tmp_path / "saved"
    folder.mkdir()
    (folder / "saved_model.pb").write_bytes(b"x")
    assert sniff_format(folder) == "saved_model"


def _archive(path: Path, *names: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return path


def test_programs_of_torch_export_are_told_from_pickles(tmp_path: Path) -> None:
    assert sniff_format(_archive(tmp_path / "a.pt2", "a/models/model.json", "a/archive_format")) == "pt2"
    assert sniff_format(_archive(tmp_path / "b.zip", "serialized_exported_program.json")) == "pt2"
    damaged = tmp_path / "c.pt2"
    damaged.write_bytes((tmp_path / "a.pt2").read_bytes()[:60])
    assert sniff_format(damaged) == "pt2"


def test_pickles_are_refused_with_how_to_make_a_program(tmp_path: Path) -> None:
    (tmp_path / "old.pt").write_bytes(b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.")
    _archive(tmp_path / "state.pth", "state/data.pkl", "state/data/0")
    _archive(tmp_path / "script.pt", "script/data.pkl", "script/constants.pkl", "script/code/net.py")
    for name, text in (("old.pt", "a pickle"), ("state.pth", "torch.save"), ("script.pt", "TorchScript")):
        with pytest.raises(UnsupportedModelError, match=text) as caught:
            sniff_format(tmp_path / name)
        assert "torch.export.save" in caught.value.next_step and "module:build" in caught.value.next_step


@pytest.mark.parametrize("content", [b"", b"hello, world", b"PK\x03\x04", b"\x08\x99garbage"])
def test_sniff_format_refuses_what_is_no_model(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(content)
    with pytest.raises(FileFormatError):
        require_format(path)


def test_require_format_refuses_a_lying_suffix(tmp_path: Path) -> None:
    path = _keras(tmp_path / "model.onnx")
    with pytest.raises(FileFormatError) as caught:
        require_format(path)
    assert "'keras'" in caught.value.found
    assert "'onnx'" in caught.value.expected


def test_missing_and_empty_folders(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError):
        sniff_format(tmp_path / "none.tflite")
    with pytest.raises(FileFormatError, match=r"saved_model\.pb"):
        sniff_format(tmp_path)


def test_digest_and_size_cover_names_and_contents(tmp_path: Path) -> None:
    folder = tmp_path / "m"
    folder.mkdir()
    (folder / "a").write_bytes(b"123")
    (folder / "b").write_bytes(b"45")
    before = digest_path(folder)
    assert num_bytes(folder) == 5
    (folder / "b").rename(folder / "c")
    assert digest_path(folder) != before
    assert digest_path(folder / "a") == "a665a45920422f9d417e4867efdc4fb8a04a1f3fff1fa07e998e86f7f7a27ae3"
