"""Layers with weights in float32."""

from __future__ import annotations

import numpy as np
import pytest

from edgetool.embed.ops.float_layer import float_layer
from edgetool.errors import UnsupportedModelError
from edgetool.ir.graph import Graph, Op

GRAPH = Graph("tflite", {}, (), (), ())


def test_limits_of_the_activation_and_no_bias() -> None:
    op = Op("CONV_2D", "y", ("x", "w"), ("y",), {"fused_activation_function": "RELU6"})
    step = float_layer(op, GRAPH, "conv", np.ones(3, np.float32), 2, {"size": 7})
    assert step.kernel == "conv_f32" and (step.fields["low"], step.fields["high"], step.fields["size"]) == (0.0, 6.0, 7)
    assert np.array_equal(step.fields["biases"], np.zeros(2, np.float32))  # type: ignore[arg-type]


def test_an_activation_without_limits_is_refused() -> None:
    op = Op("CONV_2D", "y", ("x", "w"), ("y",), {"fused_activation_function": "TANH"})
    with pytest.raises(UnsupportedModelError, match="layer of its own"):
        float_layer(op, GRAPH, "conv", np.ones(3, np.float32), 2, {})
