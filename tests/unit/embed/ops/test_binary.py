"""Operators of two inputs; what they compute is tests/integration's."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from edgetool.embed.arithmetic.rescale import quantize_multiplier
from edgetool.embed.ops.binary import lower_binary, sum_scales
from edgetool.errors import UnsupportedModelError
from edgetool.ir.graph import Graph, Op, Quantization, Tensor


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


def _wide(*names: str, scale: float = 0.1) -> Graph:
    quantization = Quantization((float(np.float32(scale)),), (0,))
    return Graph("tflite", {name: Tensor(name, (1, 4), "int16", quantization) for name in names}, (), (), ())


def test_a_product_of_16_bits_has_its_factor_in_single_precision() -> None:
    step = lower_binary(_op("MUL"), _wide("a", "b", "sum"))
    scale = np.float32(0.1)
    single, double = float(scale * scale / scale), float(scale)
    found = step.fields["multiplier"], step.fields["shift"]
    assert step.kernel == "mul_s16" and set(step.fields) == {"shape", "multiplier", "shift", "low", "high"}
    assert found == quantize_multiplier(single) != quantize_multiplier(double)


def test_what_litert_has_no_16_bits_for_is_refused() -> None:
    with pytest.raises(UnsupportedModelError, match=r"sum \(DIV\): 16-bit activations, expected one of ADD, MAXIMUM"):
        lower_binary(_op("DIV"), _wide("a", "b", "sum"))


def test_the_kernel_for_powers_of_two_is_refused() -> None:
    op = dataclasses.replace(_op("SUB"), attributes={"fused_activation_function": "NONE", "pot_scale_int16": True})
    assert lower_binary(op, _wide("a", "b", "sum")).kernel == "sub_s16"
    with pytest.raises(UnsupportedModelError, match="pot_scale_int16"):
        lower_binary(op, _wide("a", "b", "sum", scale=0.25))
