"""Which layers the fast kernels of a family cannot compute, and which channels of a layer: one table of facts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edgetool.data.dataset import Array
from edgetool.embed.arithmetic.bounds import DEPTHWISE, Bounds, sum_bounds, weights_by_channel
from edgetool.embed.backends.layout import array, numbers
from edgetool.embed.compiler.passes.constant_channels import LAYERS, layer_fields
from edgetool.embed.program import Fields, Step

__all__ = [
    "CHANNEL_LIMITS",
    "FAMILIES",
    "FAST",
    "LAYER_LIMITS",
    "PORTABLE",
    "family_of",
    "is_joinable",
    "layer_limit",
    "unfit_channels",
    "why_portable",
]

#: Instruction set, as targets call it -> the kernels for it. One C serves all 64-bit processors.
FAMILIES = {"armv7e-m": "dsp", "armv8.1-m.main": "mve", "native": "simd", "x86-64": "simd", "aarch64": "simd"}

PORTABLE = "portable"

CONVOLUTIONS = ("conv_s8", "pointwise_conv_s8", "conv_add_s8", "pointwise_add_s8")
DENSE = "fully_connected_s8"
LSTM = "lstm_s8"

#: Family -> portable kernels that it has a faster one for.
FAST = {
    "dsp": (*CONVOLUTIONS, DEPTHWISE, DENSE, LSTM),
    "mve": (*CONVOLUTIONS, DEPTHWISE, DENSE, LSTM, "add_s8"),
    "simd": (*CONVOLUTIONS, DEPTHWISE, DENSE, "add_s8"),
}

#: Sums that rounding twice may be given: with a half added, 32 bits hold what they become.
LARGEST_SUM = 1 << 30

#: Products of a second weight of -128 that a part of a sum may have: one more, and it may leave 32 bits.
MOST_LOWEST = 511


@dataclass(frozen=True, slots=True)
class LayerLimit:
    """What keeps a whole layer from fast kernels.

    Attributes:
        families: whose kernels.
        kernels: portable kernels of the layers.
        reason: completes the sentence `the layer is portable C because ...`.
        applies: whether a layer has it.
    """

    families: tuple[str, ...]
    kernels: tuple[str, ...]
    reason: str
    applies: Callable[[Fields], bool]


@dataclass(frozen=True, slots=True)
class ChannelLimit:
    """What keeps single channels from a kernel; they are split from their layer.

    Attributes:
        families: whose kernels.
        kernels: portable kernels of the layers.
        reason: completes the sentence `channels are apart because they ...`.
        applies: tells for each channel, bool `[C]`, from the layer's fields and its weights `[C, taps, in_c]`.
    """

    families: tuple[str, ...]
    kernels: tuple[str, ...]
    reason: str
    applies: Callable[[Fields, Array], Array]


def family_of(isa: str) -> str:
    """Return the family of kernels for an instruction set."""
    return FAMILIES.get(isa, PORTABLE)


def why_portable(step: Step, family: str) -> str:
    """Return why a layer has a portable kernel, in words; empty where it has a faster one.

    Args:
        step: with its portable kernel.
        family: of kernels.
    """
    reason = layer_limit(step, family)
    if reason or step.kernel not in LAYERS:
        return reason
    unfit = unfit_channels(step.kernel, layer_fields(step), family)
    return "; ".join(f"{mask.sum()} of its {len(mask)} channels {reason}" for reason, mask in unfit.items())


def layer_limit(step: Step, family: str) -> str:
    """Return what keeps a whole layer from a family's kernels, in words; empty where nothing does."""
    if family == PORTABLE:
        return f"edgetool has faster kernels for {', '.join(FAMILIES)} alone"
    if step.kernel not in FAST[family]:
        return "edgetool has no faster kernel for it"
    for limit in LAYER_LIMITS:
        if family in limit.families and step.kernel in limit.kernels and limit.applies(step.fields):
            return limit.reason
    return ""


def unfit_channels(kernel: str, fields: Fields, family: str) -> dict[str, Array]:
    """Return which channels a kernel cannot compute: reason -> bool `[C]`, reasons that apply alone.

    Args:
        kernel: the portable one.
        fields: of the layer, without an addition.
        family: whose kernels.
    """
    limits = [limit for limit in CHANNEL_LIMITS if family in limit.families and kernel in limit.kernels]
    if not limits:
        return {}
    weights = weights_by_channel(kernel, fields)
    masks = {limit.reason: limit.applies(fields, weights) for limit in limits}
    return {reason: mask for reason, mask in masks.items() if mask.any()}


def is_joinable(first: Array, second: Array) -> Array:
    """Tell which rows can be summed by one SMLAD, as 256 times the second weight and the first, bool `[...]`.

    Args:
        first: int8 `[..., K]`.
        second: of the same shape.
    """
    is_lowest = second == -128
    fits_half = ~(is_lowest & (first < 0)).any(axis=-1)
    return np.asarray(fits_half & (is_lowest.sum(axis=-1) <= MOST_LOWEST))


def _has_one_small_shift(fields: Fields) -> bool:
    return len(array(fields, "shifts")) == 1 and bool((array(fields, "shifts") > -2).any())


def _adds_to_the_left(fields: Fields) -> bool:
    scales = fields["scales"]
    assert isinstance(scales, dict)
    return max(numbers(scales, "shift_0", "shift_1", "out_shift")) > 0


def _adds_without_shift(fields: Fields) -> bool:
    """Tell whether a sum does not shift right by 1 or more, or a summand not at all that is not halved."""
    scales = fields["scales"]
    assert isinstance(scales, dict)
    shift_0, shift_1, out_shift = numbers(scales, "shift_0", "shift_1", "out_shift")
    halves = [scales[f"multiplier_{side}"] == 1 << 30 for side, shift in ((0, shift_0), (1, shift_1)) if shift == 0]
    return max(shift_0, shift_1) > 0 or out_shift > -1 or not all(halves)


LAYER_LIMITS = (
    LayerLimit(
        ("dsp", "mve", "simd"),
        (DENSE,),
        "the one scale of its outputs is 1/4 or more of its sums' scale",
        _has_one_small_shift,
    ),
    LayerLimit(("simd",), ("add_s8", "conv_add_s8", "pointwise_add_s8"), "its addition scales up", _adds_to_the_left),
    LayerLimit(
        ("dsp", "mve"),
        ("add_s8", "conv_add_s8", "pointwise_add_s8"),
        "its addition does not scale down",
        _adds_without_shift,
    ),
)


def _largest_sums(fields: Fields, weights: Array) -> Array:
    """Return a bound on the absolute value of each channel's sums, for any int8 values."""
    in_c = weights.shape[2]
    sums = sum_bounds(weights, array(fields, "biases"), Bounds.of_int8(in_c))
    return np.maximum(np.abs(sums.low), np.abs(sums.high))


def _has_large_sums(fields: Fields, weights: Array) -> Array:
    return np.asarray(_largest_sums(fields, weights) >= LARGEST_SUM)


def _overflows(fields: Fields, weights: Array) -> Array:
    """Tell where portable C would leave 32 bits: LiteRT's arithmetic wraps around."""
    lefts = np.maximum(array(fields, "shifts").astype(np.int64), 0)
    limits = np.where(lefts > 0, 1 << 31, LARGEST_SUM)
    return np.asarray(_largest_sums(fields, weights) << lefts >= limits)


def _shifts_by_less_than(least: int) -> Callable[[Fields, Array], Array]:
    def applies(fields: Fields, weights: Array) -> Array:
        shifts = array(fields, "shifts")
        if len(shifts) != len(weights):  # one scale for all, see `_has_one_small_shift`
            return np.zeros(len(weights), np.bool_)
        return np.asarray(shifts > -least)

    return applies


def _has_an_unjoinable_second(_: Fields, weights: Array) -> Array:
    """Tell which second filters of a pair cannot be joined with the first."""
    rows = weights.reshape(len(weights), -1)
    mask = np.zeros(len(rows), np.bool_)
    mask[1::2] = ~is_joinable(rows[: len(rows) // 2 * 2 : 2], rows[1::2])
    return mask


def _has_lowest_neighbours(fields: Fields, weights: Array) -> Array:
    """Tell where two neighbouring taps of a row are -128: 16 bits do not hold the sum of their products."""
    kernel_h, kernel_w = numbers(fields, "kernel_h", "kernel_w")
    taps = weights.reshape(len(weights), kernel_h, kernel_w) == -128
    pairs = taps[:, :, : kernel_w // 2 * 2].reshape(len(weights), -1, 2)
    return np.asarray(pairs.all(axis=2).any(axis=1))


ROUNDED_TWICE = (*CONVOLUTIONS, DEPTHWISE)

CHANNEL_LIMITS = (
    ChannelLimit((PORTABLE,), ROUNDED_TWICE, "may leave 32 bits", _overflows),
    ChannelLimit(("dsp", "mve", "simd"), ROUNDED_TWICE, "may sum up to 2^30 or more", _has_large_sums),
    ChannelLimit(("simd",), (DENSE,), "may sum up to 2^30 or more", _has_large_sums),
    ChannelLimit(("dsp", "mve"), ROUNDED_TWICE, "do not shift right", _shifts_by_less_than(1)),
    ChannelLimit(("simd",), ROUNDED_TWICE, "shift left", _shifts_by_less_than(0)),
    ChannelLimit(("dsp", "mve", "simd"), (DENSE,), "shift right by less than 2", _shifts_by_less_than(2)),
    ChannelLimit(
        ("dsp",), (*CONVOLUTIONS, DENSE), "have weights of -128 beside negative ones", _has_an_unjoinable_second
    ),
    ChannelLimit(("mve",), (DEPTHWISE,), "have two weights of -128 side by side", _has_lowest_neighbours),
)
