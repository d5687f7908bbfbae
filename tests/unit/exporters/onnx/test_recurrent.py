"""Recurrent operators of a graph as tf2onnx leaves them."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from edgetool.exporters.onnx.graph import constant, drop_unused, set_constant
from edgetool.exporters.onnx.quantize.weights import store_int8
from edgetool.exporters.onnx.recurrent import recurrent_weights, start_at_zero

UNITS, WIDTH = 24, 3
X = np.random.default_rng(1).normal(size=(6, 2, WIDTH)).astype(np.float32)


def build(kind: str, start: float) -> Any:
    """Return a recurrent operator that starts at `start`, spread over the batch."""
    gates, states = (3, "state") if kind == "GRU" else (4, "state, state")
    model = onnx.parser.parse_model(f"""
        <ir_version: 8, opset_import: ["" : 18]>
        g (float[6, N, {WIDTH}] x) => (float[1, N, {UNITS}] y) {{
          spread = Expand (value, size)
          state = Unsqueeze (spread, axis)
          all, y = {kind} <hidden_size = {UNITS}> (x, inner, recurrent, , , {states})
        }}
    """)
    random = np.random.default_rng(0)
    set_constant(model.graph, "value", np.array(start, np.float32))
    set_constant(model.graph, "size", np.array([2, UNITS]))
    set_constant(model.graph, "axis", np.array([0]))
    for name, width in (("inner", WIDTH), ("recurrent", UNITS)):
        set_constant(model.graph, name, random.normal(0, 0.4, (1, gates * UNITS, width)).astype(np.float32))
    return model


def run(model: Any) -> np.ndarray:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": X})[0])


@pytest.mark.parametrize("kind", ["GRU", "LSTM"])
def test_zeros_to_start_from_are_dropped_and_others_kept(kind: str) -> None:
    model = build(kind, 0.0)
    expected = run(model)
    start_at_zero(model.graph)
    drop_unused(model.graph)
    assert [node.op_type for node in model.graph.node] == [kind]
    np.testing.assert_array_equal(run(model), expected)
    other = build(kind, 0.5)
    start_at_zero(other.graph)
    assert len(other.graph.node) == 3 and np.abs(run(other) - expected).max() > 0.01


@pytest.mark.parametrize("kind", ["GRU", "LSTM"])
@pytest.mark.parametrize("per_channel", [True, False])
def test_recurrent_weights_are_int8_with_a_scale_a_gate_unit(kind: str, per_channel: bool) -> None:
    model = build(kind, 0.0)
    expected = run(model)
    assert [name for _, name in recurrent_weights(model.graph)] == ["inner", "recurrent"]
    assert store_int8(model.graph, per_channel=per_channel, only=(kind,)) == ["inner", "recurrent"]
    for name in ("inner", "recurrent"):
        kernel, scale = constant(model.graph, name), constant(model.graph, f"{name}/scale")
        assert kernel is not None and scale is not None
        assert kernel.dtype == np.int8 and scale.size == (kernel.shape[1] if per_channel else 1)
    assert 0 < np.abs(run(model) - expected).max() < 0.03
