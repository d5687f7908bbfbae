"""The functions of `import edgetool`: which options they know, and what importing them loads."""

from __future__ import annotations

from pathlib import Path

import pytest

import edgetool
from edgetool.errors import MissingFileError, UsageError

MODEL = Path(__file__).parents[2] / "golden" / "models" / "tiny_int8.tflite"


def test_wrong_options_are_answered_as_on_the_command_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="did you mean 'recipe'"):
        edgetool.compress(MODEL, "digits", recipes="w8_dynamic", out=tmp_path / "run")
    with pytest.raises(UsageError, match="--metric"):
        edgetool.compress(MODEL, "digits", metric="acuracy", out=tmp_path / "run")
    with pytest.raises(UsageError, match=r"ends in \.tflite or \.onnx"):
        edgetool.export(MODEL, tmp_path / "model.bin")
    with pytest.raises(UsageError, match="--runs"):
        edgetool.bench(MODEL, runs=1, seconds=1.0)
    assert not list(tmp_path.iterdir())


def test_missing_files_are_named() -> None:
    with pytest.raises(MissingFileError, match=r"none\.tflite"):
        edgetool.inspect("none.tflite")
    with pytest.raises(MissingFileError, match="no-run"):
        edgetool.load_run("no-run")


def test_inspect_and_embed_take_paths(tmp_path: Path) -> None:
    assert edgetool.inspect(MODEL, compressed=True).compressed is not None
    files = edgetool.embed(MODEL, out=tmp_path / "bundle", name="net")
    assert files.name == "net" and (tmp_path / "bundle" / "net.h").exists()
