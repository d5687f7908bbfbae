"""Quantising what was dequantised: nothing where scales agree."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from edgetool.embed.compiler.context import Context
from edgetool.embed.compiler.passes.cancel import cancel_pairs
from edgetool.embed.compiler.pipeline import lower_graph
from edgetool.ir.graph import Graph, Op, Quantization, Tensor

SCALE = Quantization((0.5,), (3,))
FC = {"fused_activation_function": "NONE"}


def graph_of(made: Quantization = SCALE, dtype: str = "int8") -> Graph:
    """Return x -> DEQUANTIZE -> f -> QUANTIZE -> q -> SOFTMAX -> y."""
    tensors = [
        Tensor("x", (1, 4), "int8", SCALE),
        Tensor("f", (1, 4), "float32"),
        Tensor("q", (1, 4), dtype, made),
        Tensor("y", (1, 4), "int8", Quantization((1 / 256,), (-128,))),
    ]
    ops = (
        Op("DEQUANTIZE", "f", ("x",), ("f",)),
        Op("QUANTIZE", "q", ("f",), ("q",)),
        Op("SOFTMAX", "y", ("q",), ("y",), {"beta": 1.0}),
    )
    return Graph("tflite", {tensor.name: tensor for tensor in tensors}, ops, ("x",), ("y",))


def test_a_pair_of_one_scale_is_gone() -> None:
    program = lower_graph(graph_of(), Context(digest="d"))
    assert [step.kernel for step in program.steps] == ["softmax_s8"]
    assert program.owner("q") == "x"


def test_the_floats_stay_where_they_are_read() -> None:
    program = lower_graph(dataclasses.replace(graph_of(), outputs=("y", "f")), Context(digest="d"))
    assert [step.kernel for step in program.steps] == ["dequantize_s8_f32", "softmax_s8"]


def test_quantising_to_the_same_scale_is_gone() -> None:
    graph = graph_of()
    direct = (Op("QUANTIZE", "q", ("x",), ("q",)), graph.ops[-1])
    program = lower_graph(dataclasses.replace(graph, ops=direct), Context(digest="d"))
    assert [step.kernel for step in program.steps] == ["softmax_s8"]


@pytest.mark.parametrize(
    ("made", "dtype"),
    [(Quantization((0.25,), (3,)), "int8"), (Quantization((0.5,), (0,)), "int8"), (SCALE, "int16")],
    ids=["scale", "zero point", "type"],
)
def test_what_rescales_stays(made: Quantization, dtype: str) -> None:
    graph = graph_of(made, dtype)
    assert cancel_pairs(graph).ops == graph.ops


def test_quantise_first_rounds_and_stays() -> None:
    graph = graph_of()
    turned = (Op("QUANTIZE", "q", ("f",), ("q",)), Op("DEQUANTIZE", "y", ("q",), ("y",)))
    changed = dataclasses.replace(graph, ops=turned, inputs=("f",))
    assert cancel_pairs(changed).ops == turned


def test_every_integer_comes_back_through_float32() -> None:
    scales = np.exp(np.random.default_rng(0).uniform(-20, 5, 200)).astype(np.float32)
    integers = np.arange(-65535, 65536).astype(np.float32)  # less any zero point
    for scale in scales:
        np.testing.assert_array_equal(np.rint((integers * scale) / scale), integers)
