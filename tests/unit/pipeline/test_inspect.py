"""What is in a model file, read by a child."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgetool.errors import FileFormatError, UnsupportedModelError
from edgetool.options.commands import InspectOptions
from edgetool.pipeline.inspect import inspect_file

MODELS = Path(__file__).parents[2] / "golden" / "models"


def test_a_file_is_read() -> None:
    summary = inspect_file(InspectOptions(str(MODELS / "tiny_int8.tflite"), memory_plan=True, compressed=True))
    assert summary.format == "tflite" and summary.memory is not None and summary.compressed is not None


def test_what_has_no_order_of_execution_has_no_plan() -> None:
    with pytest.raises(UnsupportedModelError, match="edgetool export"):
        inspect_file(InspectOptions(str(MODELS / "tiny.keras"), memory_plan=True))


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.tflite").write_bytes(b"hello")
    with pytest.raises(FileFormatError):
        inspect_file(InspectOptions(str(tmp_path / "a.tflite")))
