"""What the channels of an int8 layer can become: exact bounds of sums and outputs over every input."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgetool.data.dataset import Array
from edgetool.embed.backends.layout import array, numbers
from edgetool.embed.program import Fields

__all__ = [
    "DEPTHWISE",
    "Bounds",
    "is_padded",
    "output_bounds",
    "rescale",
    "stored_weights",
    "sum_bounds",
    "weights_by_channel",
]

DEPTHWISE = "depthwise_conv_s8"

INT32 = np.iinfo(np.int32)


@dataclass(frozen=True, slots=True)
class Bounds:
    """The smallest and the largest value of each channel, int64 `[C]`."""

    low: Array
    high: Array

    @classmethod
    def of_int8(cls, num_channels: int) -> Bounds:
        """Return the bounds of channels of which nothing is known."""
        return cls(np.full(num_channels, -128, np.int64), np.full(num_channels, 127, np.int64))

    @property
    def is_constant(self) -> Array:
        """Tell for each channel whether it has one value only, bool `[C]`."""
        return np.equal(self.low, self.high)


def weights_by_channel(kernel: str, fields: Fields) -> Array:
    """Return a layer's weights as int8 `[out_c, taps, in_c]`; of a depthwise convolution `[out_c, taps, 1]`.

    Args:
        kernel: a portable convolution, depthwise convolution or fully connected layer.
        fields: of the layer.
    """
    weights = array(fields, "weights")
    if kernel == DEPTHWISE:
        return np.ascontiguousarray(weights.T)[:, :, None]
    (in_c,) = numbers(fields, "num_inputs" if "num_inputs" in fields else "in_c")
    return weights.reshape(len(weights), -1, in_c)


def stored_weights(kernel: str, weights: Array) -> Array:
    """Return weights `[out_c, taps, in_c]` as the portable kernel has them."""
    if kernel == DEPTHWISE:
        return np.ascontiguousarray(weights[:, :, 0].T)
    return weights.reshape(len(weights), -1)


def is_padded(fields: Fields) -> bool:
    """Tell whether a window reaches outside of the image."""
    if "kernel_h" not in fields:
        return False
    for axis, before in (("h", "pad_top"), ("w", "pad_left")):
        names = (f"in_{axis}", f"out_{axis}", f"kernel_{axis}", f"stride_{axis}", f"dilation_{axis}", before)
        size, out, kernel, stride, dilation, pad = numbers(fields, *names)
        if pad > 0 or (out - 1) * stride + (kernel - 1) * dilation + 1 - pad > size:
            return True
    return False


def sum_bounds(weights: Array, biases: Array, values: Bounds) -> Bounds:
    """Return the bounds of each channel's sum.

    Args:
        weights: int8 `[out_c, taps, in_c]`.
        biases: int32 `[out_c]`.
        values: of the input's channels, `[in_c]`, or of those of each output channel, `[out_c, in_c]`.
    """
    wide = weights.astype(np.int64)
    above, below = np.maximum(wide, 0).sum(axis=1), np.minimum(wide, 0).sum(axis=1)
    low = (above * values.low + below * values.high).sum(axis=1)
    high = (above * values.high + below * values.low).sum(axis=1)
    return Bounds(low + biases, high + biases)


def rescale(sums: Array, multipliers: Array, shifts: Array, *, rounds_once: bool) -> Array:
    """Return what LiteRT's reference kernels make of sums, before the zero point is added, int64.

    Source: `MultiplyByQuantizedMultiplier` in tflite/kernels/internal/common.cc; 32 bits wrap around.

    Args:
        sums: int64.
        multipliers: of each sum.
        shifts: to the left.
        rounds_once: as fully connected layers do; convolutions round twice.
    """
    factors, lefts = multipliers.astype(np.int64), shifts.astype(np.int64)
    if rounds_once:
        rights = 31 - lefts
        return _wrapped((sums * factors + (np.int64(1) << (rights - 1))) >> rights)
    shifted = _wrapped(sums << np.maximum(lefts, 0))
    high = (shifted * factors + (1 << 30)) >> 31
    rights = np.maximum(-lefts, 0)
    halves = np.where(rights > 0, (np.int64(1) << np.maximum(rights - 1, 0)) - (high < 0), 0)
    return (high + halves) >> rights


def output_bounds(fields: Fields, sums: Bounds) -> Bounds:
    """Return the bounds of a layer's stored outputs.

    Outputs grow with sums as long as nothing wraps around; where something may, all values are possible.

    Args:
        fields: of the portable layer.
        sums: of its channels.
    """
    num_channels = len(sums.low)
    multipliers, shifts = (np.resize(array(fields, name), num_channels) for name in ("multipliers", "shifts"))
    zero, least, most = numbers(fields, "out_zero", "low", "high")
    is_once = "num_inputs" in fields
    low, high = (
        np.clip(rescale(bound, multipliers, shifts, rounds_once=is_once) + zero, least, most)
        for bound in (sums.low, sums.high)
    )
    lefts = np.maximum(shifts.astype(np.int64), 0)
    largest = np.maximum(np.abs(sums.low), np.abs(sums.high))
    wraps = largest << lefts > INT32.max
    if is_once:
        wraps |= largest > INT32.max
    is_single = (sums.low == sums.high) & (largest <= INT32.max)
    is_known = ~wraps | is_single
    return Bounds(np.where(is_known, low, least), np.where(is_known, high, most))


def _wrapped(values: Array) -> Array:
    return values.astype(np.int32).astype(np.int64)
