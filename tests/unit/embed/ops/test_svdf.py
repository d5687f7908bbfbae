"""SVDF."""

from __future__ import annotations

import numpy as np
import pytest

from edgetool.embed.arithmetic.rescale import float_factor, quantize_multiplier
from edgetool.embed.compiler.context import Context
from edgetool.embed.compiler.pipeline import lower_graph
from edgetool.embed.ops.svdf import lower_svdf
from edgetool.errors import UnsupportedModelError
from edgetool.ir.graph import Graph, Op, Quantization, Tensor

FEATURES = np.arange(12).reshape(4, 3) - 5
AGES = np.arange(8).reshape(4, 2)


def _graph(*, kind: str = "int8", state: str = "int16", rank: int = 2, weights: str = "") -> tuple[Op, Graph]:
    def tensor(name: str, shape: tuple[int, ...], dtype: str, scale: float, zero: int = 0) -> Tensor:
        return Tensor(name, shape, dtype, Quantization((scale,), (zero,)) if dtype != "float32" else None)

    bias = "float32" if kind == "float32" else "int32"
    constants = (("f", FEATURES, weights or kind), ("t", AGES, state), ("b", np.arange(4 // rank), bias))
    tensors = {
        name: Tensor(name, values.shape, dtype, Quantization((0.25,), (0,)), values.astype(dtype))
        for name, values, dtype in constants
    }
    tensors |= {
        "x": tensor("x", (1, 3), kind, 0.5, 7),
        "y": tensor("y", (1, 4 // rank), kind, 0.75, -3),
        "s": tensor("s", (1, 8), state, 0.125),
    }
    op = Op("SVDF", "y", ("x", "f", "t", "b", "s"), ("y",), {"rank": rank, "fused_activation_function": "RELU"})
    return op, Graph("tflite", tensors, (op,), ("x",), ("y",))


def test_zero_points_go_into_biases_and_each_stage_has_a_factor() -> None:
    step = lower_svdf(*_graph())
    assert (step.kernel, step.state, step.inputs) == ("svdf_s8", "s", ("x",))
    biases = step.fields["feature_biases"]
    assert isinstance(biases, np.ndarray) and biases.tolist() == (-7 * FEATURES.sum(axis=1)).tolist()
    factors = [(step.fields[f"{name}_multiplier"], step.fields[f"{name}_shift"]) for name in ("state", "out")]
    assert factors == [
        quantize_multiplier(float_factor(*scales)) for scales in ((0.5, 0.25, 0.125), (0.125, 0.25, 0.75))
    ]
    assert (step.fields["low"], step.fields["high"]) == (-128, 127)


def test_floats_keep_the_activation() -> None:
    step = lower_svdf(*_graph(kind="float32", state="float32"))
    assert step.kernel == "svdf_f32" and step.fields["low"] == 0.0


def test_the_state_begins_with_zeros_and_lives() -> None:
    program = lower_graph(_graph()[1], Context(digest="d"))
    assert program.states["s"].tolist() == [[0] * 8]


def test_what_has_no_kernel_is_refused_by_its_reason() -> None:
    with pytest.raises(UnsupportedModelError, match="a state of int8, expected int16"):
        lower_svdf(*_graph(state="int8"))
    with pytest.raises(UnsupportedModelError, match="input 1 of int8"):
        lower_svdf(*_graph(kind="float32", state="float32", weights="int8"))
    with pytest.raises(UnsupportedModelError, match="4 filters of rank 3"):
        lower_svdf(*_graph(rank=3))
