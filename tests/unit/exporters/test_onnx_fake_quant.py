from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest

from edgetool.exporters.onnx_fake_quant import take_ranges
from edgetool.exporters.onnx_graph import set_constant

TEXT = """
<ir_version: 8, opset_import: ["" : 18]>
g (float[N, 4] x) => (float[N, 4] y) {
  xq = QuantizeLinear (x, s, z)
  xf = DequantizeLinear (xq, s, z)
  n = Neg (xf)
  r = Relu (n)
  rq = QuantizeLinear (r, s2, z2)
  rf = DequantizeLinear (rq, s2, z2)
  y = Softmax (rf)
}
"""


def _model() -> Any:
    model = onnx.parser.parse_model(TEXT)
    set_constant(model.graph, "s", np.array(0.1, np.float32))
    set_constant(model.graph, "z", np.array(100, np.uint8))
    set_constant(model.graph, "s2", np.array(0.5, np.float32))
    set_constant(model.graph, "z2", np.array(10, np.uint8))
    return model


def test_pairs_go_and_their_ranges_are_returned() -> None:
    model = _model()
    ranges = take_ranges(model)
    assert [node.op_type for node in model.graph.node] == ["Neg", "Relu", "Softmax"]
    assert not model.graph.initializer
    assert ranges["x"] == pytest.approx((-10.0, 15.5))


def test_a_range_after_relu_starts_at_zero_and_reaches_back() -> None:
    ranges = take_ranges(_model())
    assert ranges["r"] == pytest.approx((0.0, 122.5))
    assert ranges["n"] == ranges["r"]


def test_a_float_model_has_no_ranges() -> None:
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 18]> g (float[N] x) => (float[N] y) { y = Relu (x) }'
    )
    assert take_ranges(model) == {}
    assert len(model.graph.node) == 1


def test_reshapes_that_only_a_pair_kept_apart_become_one() -> None:
    model = onnx.parser.parse_model("""
        <ir_version: 8, opset_import: ["" : 18]>
        g (float[N, 2, 2] x) => (float[N, 4] y) {
          a = Reshape (x, long)
          q = QuantizeLinear (a, s, z)
          f = DequantizeLinear (q, s, z)
          y = Reshape (f, flat)
        }
    """)
    constants = {"s": np.float32(0.1), "z": np.uint8(0), "long": np.array([-1, 4, 1]), "flat": np.array([-1, 4])}
    for name, values in constants.items():
        set_constant(model.graph, name, np.asarray(values))
    take_ranges(model)
    assert [(node.op_type, list(node.input)) for node in model.graph.node] == [("Reshape", ["x", "flat"])]
