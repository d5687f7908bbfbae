"""Which file gets embedded."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgetool.embed.bundles.bundle import choose_file, embed_array, embed_tflm
from edgetool.errors import FileFormatError, MissingFileError, UsageError
from edgetool.targets import find_target

GOLDEN = Path(__file__).parents[3] / "golden" / "models"
HOST = find_target("host")


def test_a_plain_file_is_itself(tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    assert choose_file(path, None) == path
    with pytest.raises(UsageError, match="run folder"):
        choose_file(path, "w8a8_static.tflite")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"none\.tflite"):
        embed_array(tmp_path / "none.tflite", artifact=None, name=None, out=tmp_path, overwrite=False)


def test_tflm_takes_tflite_files_only(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="format 'onnx'"):
        embed_tflm(
            GOLDEN / "tiny.onnx",
            artifact=None,
            name=None,
            out=tmp_path / "b",
            target=HOST,
            overwrite=False,
        )
    with pytest.raises(UsageError, match="no identifier"):
        embed_tflm(
            GOLDEN / "tiny_int8.tflite",
            artifact=None,
            name="std",
            out=tmp_path / "b",
            target=HOST,
            overwrite=False,
        )
    assert not list(tmp_path.iterdir())
