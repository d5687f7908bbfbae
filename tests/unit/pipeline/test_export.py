"""`export` refuses what cannot work before a framework is loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgetool.errors import EdgetoolError, MissingFileError, RunExistsError, UnsupportedModelError, UsageError
from edgetool.options.commands import ExportOptions
from edgetool.options.declare import build
from edgetool.pipeline import export
from edgetool.pipeline.export import export_file

GOLDEN = Path(__file__).parents[2] / "golden" / "models"


def silent(what: str, done: int, total: int) -> None:
    """Show nothing."""


@pytest.fixture(autouse=True)
def no_child(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail where a child is started: everything here is refused before."""

    def refuse(subject: str) -> None:
        raise AssertionError(f"a child was started for {subject}")

    monkeypatch.setattr(export, "Child", refuse)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"out": "a.bin"}, UsageError, "ends in .tflite or .onnx"),
        ({"model": "missing.keras"}, MissingFileError, "no such file"),
        ({"model": str(GOLDEN / "tiny.onnx"), "out": "a.tflite"}, UnsupportedModelError, "cannot become .tflite"),
        ({"recipe": "w8a8_static"}, UsageError, "samples to calibrate on"),
        ({"recipe": "w8a8_qat"}, UsageError, "samples to train on"),
        ({"mean": "0,x"}, UsageError, "finite numbers"),
        ({"std": "0"}, UsageError, "other than 0"),
        ({"image_size": "96"}, UsageError, "HEIGHTxWIDTH"),
    ],
)
def test_bad_options_are_refused_at_once(
    options: dict[str, str], error: type[EdgetoolError], words: str, tmp_path: Path
) -> None:
    given = {"model": str(GOLDEN / "tiny.keras"), "out": "a.tflite"} | options
    given["out"] = str(tmp_path / given["out"])
    with pytest.raises(error, match=words):
        export_file(build(ExportOptions, given), progress=silent)


def test_a_file_of_that_name_stays(tmp_path: Path) -> None:
    out = tmp_path / "a.tflite"
    out.write_bytes(b"mine")
    with pytest.raises(RunExistsError):
        export_file(ExportOptions(str(GOLDEN / "tiny.keras"), str(out)), progress=silent)
    assert out.read_bytes() == b"mine"
