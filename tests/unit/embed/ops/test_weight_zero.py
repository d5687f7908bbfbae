"""Weights with a zero point."""

from __future__ import annotations

import numpy as np

from edgetool.embed.ops.weight_zero import centred_weights, with_weight_zero
from edgetool.embed.program import Step
from edgetool.ir.graph import Graph, Op, Quantization, Tensor

WEIGHTS = np.array([[-128, 0, 100]], np.int8)


def _centred(zero: int, *, has_zero: bool = True) -> tuple[list[list[int]], int]:
    tensors = {"w": Tensor("w", WEIGHTS.shape, "int8", Quantization((0.5,), (zero,)), WEIGHTS)}
    op = Op("CONV_2D", "y", ("x", "w"), ("y",))
    values, left = centred_weights(op, Graph("tflite", tensors, (op,), (), ()), WEIGHTS, has_zero=has_zero)
    return values.tolist(), left


def test_the_zero_point_goes_into_the_weights_where_they_stay_bytes() -> None:
    assert _centred(-27) == ([[-101, 27, 127]], 0)
    assert _centred(-28) == (WEIGHTS.tolist(), -28)
    assert _centred(-28, has_zero=False) == (WEIGHTS.tolist(), 0)


def test_the_kernel_takes_the_parameters_of_the_other_one() -> None:
    step = Step("l", "conv_s8", ("x",), "y", {"in_c": 2}, scratch_bytes=8, has_scratch=True)
    found = with_weight_zero(step, 3, "conv")
    assert found.kernel == "conv_offset_s8" and found.fields == {"conv": {"in_c": 2}, "weight_zero": 3}
    assert found.scratch_bytes == 8 and with_weight_zero(step, 0, "conv") is step
