"""L2_NORMALIZATION."""

from __future__ import annotations

import dataclasses

import pytest

from edgetool.embed.ops.l2_normalization import lower_l2_normalization
from edgetool.errors import UnsupportedModelError
from edgetool.ir.graph import Graph, Op, Tensor

TENSORS = {name: Tensor(name, (2, 3, 4), "float32") for name in ("x", "y")}
OP = Op("L2_NORMALIZATION", "y", ("x",), ("y",), {"fused_activation_function": "NONE"})
GRAPH = Graph("tflite", TENSORS, (OP,), ("x",), ("y",))


def test_rows_are_the_last_axis() -> None:
    step = lower_l2_normalization(OP, GRAPH)
    assert step.kernel == "l2_normalization_f32" and step.fields == {"num_rows": 6, "depth": 4}


def test_activations_are_refused() -> None:
    fused = dataclasses.replace(OP, attributes={"fused_activation_function": "RELU"})
    with pytest.raises(UnsupportedModelError, match="fused activation RELU"):
        lower_l2_normalization(fused, GRAPH)
