"""Which files hold a graph."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgetool.errors import FileFormatError, MissingFileError, UnsupportedModelError
from edgetool.ir import read_graph

GOLDEN = Path(__file__).parents[2] / "golden" / "models"


def test_both_formats_are_read() -> None:
    assert [op.kind for op in read_graph(GOLDEN / "tiny.onnx").ops] == ["Gemm", "Relu", "Gemm"]
    kinds = [op.kind for op in read_graph(GOLDEN / "tiny_int8.tflite").ops]
    assert kinds == ["CONV_2D", "RESHAPE", "FULLY_CONNECTED", "SOFTMAX"]


def test_what_holds_no_graph_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedModelError, match="keras"):
        read_graph(GOLDEN / "tiny.keras")
    with pytest.raises(MissingFileError):
        read_graph(tmp_path / "none.onnx")
    (tmp_path / "text.tflite").write_text("no model")
    with pytest.raises(FileFormatError):
        read_graph(tmp_path / "text.tflite")
