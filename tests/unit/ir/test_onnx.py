"""ONNX files as graphs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgetool.errors import FileFormatError
from edgetool.ir.onnx import read_onnx

GOLDEN = Path(__file__).parents[2] / "golden" / "models"


def test_shapes_operators_and_constants() -> None:
    graph = read_onnx(GOLDEN / "tiny.onnx")
    assert graph.format == "onnx" and graph.inputs == ("x",) and graph.outputs == ("y",)
    assert graph.tensors["x"].shape == (-1, 6) and graph.tensors["h"].shape[1] == 5
    assert graph.tensors["w1"].stored_bytes == 120 and graph.constant("w1") is not None


def test_scales_of_a_quantised_tensor_are_attached(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("DequantizeLinear", ["w", "s", "z"], ["wd"], axis=0),
        helper.make_node("MatMul", ["x", "wd"], ["y"]),
    ]
    constants = [
        numpy_helper.from_array(np.ones((2, 3), np.int8), "w"),
        numpy_helper.from_array(np.array([0.5, 0.25], np.float32), "s"),
        numpy_helper.from_array(np.zeros(2, np.int8), "z"),
    ]
    x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in (("x", ["N", 2]), ("y", ["N", 3])))
    model = helper.make_model(
        helper.make_graph(nodes, "g", [x], [y], constants), opset_imports=[helper.make_opsetid("", 18)], ir_version=10
    )
    onnx.save(model, tmp_path / "q.onnx")
    quantization = read_onnx(tmp_path / "q.onnx").tensors["w"].quantization
    assert quantization is not None
    assert quantization.scale == (0.5, 0.25) and quantization.zero_point == (0, 0) and quantization.dimension == 0


@pytest.mark.parametrize("content", [b"", b"\x08\x08\xff\xff\xff", b"not protobuf at all"])
def test_damage_is_an_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.onnx").write_bytes(content)
    with pytest.raises(FileFormatError):
        read_onnx(tmp_path / "bad.onnx")


def test_names_that_are_no_text_are_damage(tmp_path: Path) -> None:
    content = (Path(__file__).parents[2] / "golden" / "models" / "tiny.onnx").read_bytes()
    assert b"Relu" in content or b"Gemm" in content
    name = b"Gemm" if b"Gemm" in content else b"Relu"
    path = tmp_path / "m.onnx"
    path.write_bytes(content.replace(name, b"\xff\xfe" + name[2:]))
    with pytest.raises(FileFormatError):
        read_onnx(path)
