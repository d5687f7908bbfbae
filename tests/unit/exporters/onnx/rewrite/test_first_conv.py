from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from edgetool.exporters.onnx.graph import constant, set_constant
from edgetool.exporters.onnx.rewrite.first_conv import widen_first_conv

TEXT = """
<ir_version: 8, opset_import: ["" : 18]>
g (float[N, 6, 6, C] x) => (float[N, 8, 4, 4] y) {
  t = Transpose <perm = [0, 3, 1, 2]> (x)
  q = QuantizeLinear (t, s, z)
  f = DequantizeLinear (q, s, z)
  w = DequantizeLinear <axis = 0> (kernel, ws, wz)
  c = Conv (f, w)
  cq = QuantizeLinear (c, cs, z)
  y = DequantizeLinear (cq, cs, z)
}
"""


def _model(channels: int) -> Any:
    model = onnx.parser.parse_model(TEXT.replace("C]", f"{channels}]"))
    kernel = np.random.default_rng(0).integers(-60, 60, (8, channels, 3, 3)).astype(np.int8)
    for name, values in {
        "s": np.array(1 / 255, np.float32),
        "z": np.array(0, np.uint8),
        "cs": np.array(0.01, np.float32),
        "kernel": kernel,
        "ws": np.full(8, 0.01, np.float32),
        "wz": np.zeros(8, np.int8),
    }.items():
        set_constant(model.graph, name, values)
    return model


def _run(model: Any, x: Any) -> Any:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("height", "open_height"), [(6, False), (6, True), (5, False)])
def test_few_channels_are_widened_without_changing_a_bit(channels: int, height: int, open_height: bool) -> None:
    width = 6 if height == 6 else 7  # 35 pixels: not by fours
    x = np.random.default_rng(1).uniform(0, 1, (2, height, width, channels)).astype(np.float32)
    model = _model(channels)
    dims = model.graph.input[0].type.tensor_type.shape.dim
    for axis, size in ((1, height), (2, width)):
        dims[axis].dim_value = size
    if open_height:
        dims[1].dim_param = "H"
    outputs = model.graph.output[0].type.tensor_type.shape.dim
    outputs[2].dim_param, outputs[3].dim_param = "OH", "OW"
    before = _run(model, x)
    assert widen_first_conv(model.graph) == "kernel"
    onnx.checker.check_model(model, full_check=True)
    assert [node.op_type for node in model.graph.node].count("Pad") == 1
    assert [node.op_type for node in model.graph.node].count("Reshape") == (2 if height == 6 and not open_height else 0)
    assert np.array_equal(_run(model, x), before)
    stored = constant(model.graph, "kernel")
    assert stored is not None and stored.shape == (8, channels, 3, 3)


def test_four_channels_are_left_alone() -> None:
    model = _model(4)
    before = model.SerializeToString()
    assert widen_first_conv(model.graph) is None
    assert model.SerializeToString() == before


def test_an_input_with_two_readers_is_left_alone() -> None:
    model = _model(3)
    model.graph.node.append(onnx.helper.make_node("Relu", ["x"], ["other"]))
    assert widen_first_conv(model.graph) is None
