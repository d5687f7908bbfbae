"""Exponentials in fixed point, as LiteRT's reference softmax has them.

Source: `exp_on_negative_values` in gemmlowp/fixedpoint/fixedpoint.h and `Softmax` in
tflite/kernels/internal/reference/softmax.h. Values of 0 integer bits: 2^31 is one.
"""

from __future__ import annotations

import math

import numpy as np

from edgetool.data.dataset import Array
from edgetool.embed.arithmetic.rescale import quantize_multiplier

__all__ = ["exponentials", "multiply_high"]

#: Integer bits of the distance from the largest value.
DISTANCE_BITS = 5

#: exp(-1/8) and 1/3.
EXP_EIGHTH, THIRD = 1895147668, 715827883

#: exp(-1/4), exp(-1/2), ..., exp(-16).
EXP_POWERS = (1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242)


def exponentials(scale: float, beta: float) -> Array:
    """Return exp(-scale * beta * d) for the distances d = 0..255 between two int8 values, int32 `[256]`, 2^31 is one.

    Distances that the kernel leaves out are 0.
    """
    factor = min(beta * scale * (1 << (31 - DISTANCE_BITS)), float((1 << 31) - 1))
    multiplier, shift = quantize_multiplier(factor)
    shift = max(shift, 0)
    farthest = math.floor(((1 << DISTANCE_BITS) - 1) * (1 << (31 - DISTANCE_BITS)) / (1 << shift))
    found = [
        _exponential(multiply_high(-distance * (1 << shift), multiplier)) if distance <= farthest else 0
        for distance in range(256)
    ]
    return np.array(found, np.int32)


def multiply_high(a: int, b: int) -> int:
    """Return round(a * b / 2^31), halves up, saturated: `SaturatingRoundingDoublingHighMul`."""
    if a == b == -(1 << 31):
        return (1 << 31) - 1
    return (a * b + (1 << 30)) >> 31


def _exponential(distance: int) -> int:
    """Return exp of a value of 5 integer bits that is not above zero."""
    if distance == 0:
        return (1 << 31) - 1
    fraction_bits = 31 - DISTANCE_BITS
    quarter = 1 << (fraction_bits - 2)
    remainder = (distance & (quarter - 1)) - quarter
    found = _exponential_of_quarter(remainder << DISTANCE_BITS)
    rest = remainder - distance
    for power, multiplier in enumerate(EXP_POWERS):
        if rest & (1 << (fraction_bits - 2 + power)):
            found = multiply_high(found, multiplier)
    return found


def _exponential_of_quarter(value: int) -> int:
    """Return exp of a value from -1/4 to 0, by the Taylor series around -1/8."""
    x = value + (1 << 28)
    x2 = multiply_high(x, x)
    x3, x4 = multiply_high(x2, x), multiply_high(x2, x2)
    series = multiply_high(_divide_by_power(x4, 2) + x3, THIRD) + x2
    return min(EXP_EIGHTH + multiply_high(EXP_EIGHTH, x + _divide_by_power(series, 1)), (1 << 31) - 1)


def _divide_by_power(value: int, exponent: int) -> int:
    """Return round(value / 2^exponent), halves away from zero: `RoundingDivideByPOT`."""
    mask = (1 << exponent) - 1
    threshold = (mask >> 1) + (1 if value < 0 else 0)
    return (value >> exponent) + (1 if (value & mask) > threshold else 0)
