"""Operators of two inputs; what they compute is tests/integration's."""

from __future__ import annotations

import dataclasses

import pytest

from edgetool.embed.ops.binary import lower_binary, sum_scales
from edgetool.errors import UnsupportedModelError
from edgetool.ir.graph import Graph, Op


def _op(kind: str) -> Op:
    return Op(kind, "sum", ("a", "b"), ("sum",), {"fused_activation_function": "NONE"})


def test_a_product_has_one_multiplier(residual_graph: Graph) -> None:
    step = lower_binary(_op("MUL"), residual_graph)
    assert step.kernel == "mul_s8" and (step.fields["multiplier"], step.fields["shift"]) == (1 << 30, 0)  # 0.5


def test_squares_keep_fewer_bits(residual_graph: Graph) -> None:
    tensors = [residual_graph.tensors[name] for name in ("a", "b", "sum")]
    assert sum_scales(_op("SUB"), *tensors)["left_shift"] == 20
    assert sum_scales(_op("SQUARED_DIFFERENCE"), *tensors)["left_shift"] == 7


def test_a_quotient_divides_the_scales(residual_graph: Graph) -> None:
    step = lower_binary(_op("DIV"), residual_graph)
    assert step.kernel == "div_s8" and (step.fields["multiplier"], step.fields["shift"]) == (1 << 30, 2)  # 2


def test_a_choice_wants_one_scale(residual_graph: Graph) -> None:
    assert lower_binary(_op("MAXIMUM"), residual_graph).kernel == "maximum_s8"
    other = dataclasses.replace(residual_graph.tensors["b"], quantization=residual_graph.tensors["y"].quantization)
    graph = dataclasses.replace(residual_graph, tensors={**residual_graph.tensors, "b": other})
    with pytest.raises(UnsupportedModelError, match="one scale"):
        lower_binary(_op("MAXIMUM"), graph)
