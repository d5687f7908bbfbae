"""What fast kernels cannot compute: conditions on a layer, and on single channels of one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgetool.data.dataset import Array
from edgetool.embed.arithmetic.bounds import DEPTHWISE, Bounds, sum_bounds
from edgetool.embed.backends.layout import array, numbers
from edgetool.embed.program import Fields

__all__ = [
    "ADDITIONS",
    "CONVOLUTIONS",
    "DENSE",
    "LSTM",
    "ROUNDED_TWICE",
    "adds_to_the_left",
    "adds_without_shift",
    "has_an_unjoinable_second",
    "has_large_sums",
    "has_lowest_neighbours",
    "has_one_small_shift",
    "is_joinable",
    "overflows",
    "shifts_by_less_than",
]

CONVOLUTIONS = ("conv_s8", "pointwise_conv_s8", "conv_add_s8", "pointwise_add_s8")
DENSE = "fully_connected_s8"
LSTM = "lstm_s8"

#: Sums that rounding twice may be given: with a half added, 32 bits hold what they become.
LARGEST_SUM = 1 << 30

#: Products of a second weight of -128 that a part of a sum may have: one more, and it may leave 32 bits.
MOST_LOWEST = 511

#: Layers whose sums are rounded twice, and those that end in an addition.
ROUNDED_TWICE = (*CONVOLUTIONS, DEPTHWISE)
ADDITIONS = ("add_s8", "conv_add_s8", "pointwise_add_s8")


def is_joinable(first: Array, second: Array) -> Array:
    """Tell which rows can be summed by one SMLAD, as 256 times the second weight and the first, bool `[...]`.

    Args:
        first: int8 `[..., K]`.
        second: of the same shape.
    """
    is_lowest = second == -128
    fits_half = ~(is_lowest & (first < 0)).any(axis=-1)
    return np.asarray(fits_half & (is_lowest.sum(axis=-1) <= MOST_LOWEST))


def has_one_small_shift(fields: Fields) -> bool:
    """Tell whether all outputs have one scale, and it shifts right by less than 2."""
    return len(array(fields, "shifts")) == 1 and bool((array(fields, "shifts") > -2).any())


def adds_to_the_left(fields: Fields) -> bool:
    """Tell whether a summand or the sum shifts left."""
    scales = fields["scales"]
    assert isinstance(scales, dict)
    return max(numbers(scales, "shift_0", "shift_1", "out_shift")) > 0


def adds_without_shift(fields: Fields) -> bool:
    """Tell whether a sum does not shift right by 1 or more, or a summand not at all that is not halved."""
    scales = fields["scales"]
    assert isinstance(scales, dict)
    shift_0, shift_1, out_shift = numbers(scales, "shift_0", "shift_1", "out_shift")
    halves = [scales[f"multiplier_{side}"] == 1 << 30 for side, shift in ((0, shift_0), (1, shift_1)) if shift == 0]
    return max(shift_0, shift_1) > 0 or out_shift > -1 or not all(halves)


def _largest_sums(fields: Fields, weights: Array) -> Array:
    """Return a bound on the absolute value of each channel's sums, for any int8 values."""
    in_c = weights.shape[2]
    sums = sum_bounds(weights, array(fields, "biases"), Bounds.of_int8(in_c))
    return np.maximum(np.abs(sums.low), np.abs(sums.high))


def has_large_sums(fields: Fields, weights: Array) -> Array:
    """Tell which channels have sums that rounding twice may not be given."""
    return np.asarray(_largest_sums(fields, weights) >= LARGEST_SUM)


def overflows(fields: Fields, weights: Array) -> Array:
    """Tell where portable C would leave 32 bits: LiteRT's arithmetic wraps around."""
    lefts = np.maximum(array(fields, "shifts").astype(np.int64), 0)
    limits = np.where(lefts > 0, 1 << 31, LARGEST_SUM)
    return np.asarray(_largest_sums(fields, weights) << lefts >= limits)


def shifts_by_less_than(least: int) -> Callable[[Fields, Array], Array]:
    """Return what tells which channels shift right by less than `least`."""

    def applies(fields: Fields, weights: Array) -> Array:
        shifts = array(fields, "shifts")
        if len(shifts) != len(weights):  # one scale for all, see `has_one_small_shift`
            return np.zeros(len(weights), np.bool_)
        return np.asarray(shifts > -least)

    return applies


def has_an_unjoinable_second(_: Fields, weights: Array) -> Array:
    """Tell which second filters of a pair cannot be joined with the first."""
    rows = weights.reshape(len(weights), -1)
    mask = np.zeros(len(rows), np.bool_)
    mask[1::2] = ~is_joinable(rows[: len(rows) // 2 * 2 : 2], rows[1::2])
    return mask


def has_lowest_neighbours(fields: Fields, weights: Array) -> Array:
    """Tell where two neighbouring taps of a row are -128: 16 bits do not hold the sum of their products."""
    kernel_h, kernel_w = numbers(fields, "kernel_h", "kernel_w")
    taps = weights.reshape(len(weights), kernel_h, kernel_w) == -128
    pairs = taps[:, :, : kernel_w // 2 * 2].reshape(len(weights), -1, 2)
    return np.asarray(pairs.all(axis=2).any(axis=1))
