"""TFLite files as graphs."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgetool.errors import FileFormatError
from edgetool.ir.tflite import read_tflite

GOLDEN = Path(__file__).parents[2] / "golden" / "models"


def test_operators_tensors_and_options() -> None:
    graph = read_tflite(GOLDEN / "tiny_float32.tflite")
    conv = graph.ops[0]
    assert conv.kind == "CONV_2D"
    assert conv.attributes["padding"] == "VALID" and conv.attributes["fused_activation_function"] == "RELU"
    assert graph.tensors[conv.inputs[1]].shape == (4, 3, 3, 2)
    assert graph.tensors[graph.inputs[0]].shape == (-1, 4, 4, 2)


def test_quantisation_by_channel() -> None:
    graph = read_tflite(GOLDEN / "tiny_int8.tflite")
    kernel = graph.tensors[graph.ops[0].inputs[1]]
    assert kernel.dtype == "int8" and kernel.quantization is not None
    assert len(kernel.quantization.scale) == 4 and kernel.quantization.dimension == 0
    assert kernel.stored_bytes == 72


@pytest.mark.parametrize("keep", [0, 7, 100, 900])
def test_a_truncated_file_is_an_error(tmp_path: Path, keep: int) -> None:
    content = (GOLDEN / "tiny_int8.tflite").read_bytes()
    (tmp_path / "cut.tflite").write_bytes(content[:keep])
    with pytest.raises(FileFormatError):
        read_tflite(tmp_path / "cut.tflite")
