from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from edgetool.exporters.onnx_first_conv import widen_first_conv
from edgetool.exporters.onnx_graph import constant, set_constant

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
        "s": np.array(1 / 255, np.float32), "z": np.array(0, np.uint8), "cs": np.array(0.01, np.float32),
        "kernel": kernel, "ws": np.full(8, 0.01, np.float32), "wz": np.zeros(8, np.int8),
    }.items():  # fmt: skip
        set_constant(model.graph, name, values)
    return model


def _run(model: Any, x: Any) -> Any:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0]


@pytest.mark.parametrize("channels", [1, 3])
def test_few_channels_are_widened_without_changing_a_bit(channels: int) -> None:
    model, x = _model(channels), np.random.default_rng(1).uniform(0, 1, (2, 6, 6, channels)).astype(np.float32)
    before = _run(model, x)
    assert widen_first_conv(model.graph) == "kernel"
    onnx.checker.check_model(model, full_check=True)
    assert [node.op_type for node in model.graph.node].count("Pad") == 1
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
