"""Factors as multiplier and shift."""

from __future__ import annotations

import numpy as np
import pytest

from edgetool.embed.arithmetic.rescale import (
    activation_range,
    channel_factors,
    float_factor,
    quantize_multiplier,
    quantize_multipliers,
)
from edgetool.ir.graph import Quantization


@pytest.mark.parametrize("factor", [1.0, 0.5, 0.0003, 0.999999999999, 3.7, 1e-6])
def test_multiplier_and_shift_give_the_factor_back(factor: float) -> None:
    multiplier, shift = quantize_multiplier(factor)
    assert 1 << 30 <= multiplier < 1 << 31
    assert multiplier * 2.0 ** (shift - 31) == pytest.approx(factor, rel=2**-31)


def test_zero_and_what_is_too_small_become_zero() -> None:
    assert quantize_multiplier(0.0) == quantize_multiplier(2.0**-40) == (0, 0)


def test_a_mantissa_that_rounds_up_to_one_takes_the_next_power() -> None:
    assert quantize_multiplier(1.0 - 2.0**-40) == (1 << 30, 1)


def test_several_factors_are_arrays() -> None:
    multipliers, shifts = quantize_multipliers([0.5, 0.25])
    assert multipliers.tolist() == [1 << 30, 1 << 30] and shifts.tolist() == [0, -1]
    assert (multipliers.dtype, shifts.dtype) == ("int32", "int8")


def test_factors_of_channels() -> None:
    one, per_channel = Quantization((0.5,), (0,)), Quantization((0.25, 1.0), (0, 0))
    assert channel_factors(one, per_channel, Quantization((2.0,), (3,)), 2) == [0.0625, 0.25]
    assert channel_factors(one, one, one, 3) == [0.5] * 3


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("NONE", (-128, 127)), ("RELU", (-100, 127)), ("RELU6", (-100, -88)), ("RELU_N1_TO_1", (-102, -98))],
)
def test_ranges_of_activations(kind: str, expected: tuple[int, int]) -> None:
    assert activation_range(kind, Quantization((0.5,), (-100,)), "int8") == expected


def test_a_range_stays_inside_of_the_type() -> None:
    assert activation_range("RELU6", Quantization((0.01,), (-128,)), "int8") == (-128, 127)


def test_a_factor_in_single_precision_rounds_at_each_step() -> None:
    scale = np.float32(0.1)
    assert float_factor(float(scale), float(scale), float(scale)) == float(scale * scale / scale) != float(scale)
