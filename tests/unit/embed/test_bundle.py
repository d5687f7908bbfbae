"""Which file gets embedded."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgetool.embed.bundle import choose_file, embed_array
from edgetool.errors import MissingFileError, UsageError


def test_a_plain_file_is_itself(tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    assert choose_file(path, None) == path
    with pytest.raises(UsageError, match="run folder"):
        choose_file(path, "w8a8_static.tflite")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"none\.tflite"):
        embed_array(tmp_path / "none.tflite", artifact=None, name=None, out=tmp_path, overwrite=False)
