"""Layers with int8 weights and 16-bit activations."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from edgetool.embed.ops.wide_layer import wide_layer
from edgetool.errors import UnsupportedModelError
from edgetool.ir.graph import Graph, Op, Quantization, Tensor

OP = Op("CONV_2D", "y", ("x", "w", "b"), ("y",), {"fused_activation_function": "RELU"})
TENSORS = {
    "x": Tensor("x", (1, 3), "int16", Quantization((0.5,), (0,))),
    "w": Tensor("w", (2, 3), "int8", Quantization((0.5, 0.25), (0, 0)), np.ones((2, 3), np.int8)),
    "b": Tensor("b", (2,), "int64", None, np.array([1 << 40, 2], np.int64)),
    "y": Tensor("y", (1, 2), "int16", Quantization((1.0,), (0,))),
}


def test_biases_keep_64_bits_and_channels_their_scale() -> None:
    step = wide_layer(OP, Graph("tflite", TENSORS, (OP,), ("x",), ("y",)), "conv", np.ones((2, 3), np.int8), 2, {})
    biases, shifts = step.fields["biases"], step.fields["shifts"]
    assert isinstance(biases, np.ndarray) and isinstance(shifts, np.ndarray)
    assert step.kernel == "conv_s16" and biases.dtype == np.int64 and biases[0] == 1 << 40
    assert shifts.tolist() == [-1, -2] and (step.fields["low"], step.fields["high"]) == (0, 32767)


def test_a_fully_connected_layer_keeps_its_factors() -> None:
    op = dataclasses.replace(OP, kind="FULLY_CONNECTED")
    graph = Graph("tflite", TENSORS, (op,), ("x",), ("y",))
    step = wide_layer(op, graph, "fully_connected", np.ones((2, 3), np.int8), 2, {})
    factors = step.fields["factors"]
    assert isinstance(factors, np.ndarray) and factors.dtype == np.float64 and factors.tolist() == [0.25, 0.125]
    assert "multipliers" not in step.fields


def test_biases_of_32_bits_are_refused() -> None:
    short = dataclasses.replace(TENSORS["b"], dtype="int32", constant=np.array([1, 2], np.int32))
    graph = Graph("tflite", {**TENSORS, "b": short}, (OP,), ("x",), ("y",))
    with pytest.raises(UnsupportedModelError, match="constant of int64"):
        wide_layer(OP, graph, "conv", np.ones((2, 3), np.int8), 2, {})
