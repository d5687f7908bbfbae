"""Operators that change each value by itself."""

from __future__ import annotations

import dataclasses

from edgetool.embed.ops.unary import lower_unary
from edgetool.ir.graph import Graph, Op, Quantization, Tensor

FLOATS = {name: Tensor(name, (1, 4), "float32") for name in "xy"}


def test_floats_have_functions_with_their_parameters() -> None:
    graph = Graph("tflite", FLOATS, (), ("x",), ("y",))
    leaky = lower_unary(Op("LEAKY_RELU", "y", ("x",), ("y",), {"alpha": 0.25}), graph)
    assert (leaky.kernel, leaky.fields) == ("leaky_relu_f32", {"num_elements": 4, "alpha": 0.25})
    assert lower_unary(Op("GELU", "y", ("x",), ("y",), {"approximate": True}), graph).kernel == "gelu_tanh_f32"


def test_integers_have_tables() -> None:
    tensors = {
        name: dataclasses.replace(tensor, dtype="int8", quantization=Quantization((0.5,), (0,)))
        for name, tensor in FLOATS.items()
    }
    step = lower_unary(Op("TANH", "y", ("x",), ("y",)), Graph("tflite", tensors, (), ("x",), ("y",)))
    assert step.kernel == "table_s8"


def test_16_bits_have_kernels_of_their_own() -> None:
    tensors = {
        name: dataclasses.replace(tensor, dtype="int16", quantization=Quantization((0.5,), (0,)))
        for name, tensor in FLOATS.items()
    }
    step = lower_unary(Op("RELU", "y", ("x",), ("y",)), Graph("tflite", tensors, (), ("x",), ("y",)))
    assert step.kernel == "slopes_s16"
