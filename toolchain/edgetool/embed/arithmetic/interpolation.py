"""Tables of functions in 512 intervals, between whose values 16-bit kernels interpolate.

Source: `LUTPopulate` in tflite/kernels/internal/common.h, in double precision.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import numpy as np

from edgetool.data.dataset import Array

__all__ = ["NUM_INTERVALS", "fitted_table", "interpolation_table", "sigmoid_table", "wide_tables"]

#: Of a table.
NUM_INTERVALS = 512

#: Stored values in each.
INTERVAL = 128


@functools.cache
def wide_tables() -> dict[str, Array]:
    """Return the tables of a 16-bit softmax: exp from -10 to 0, and 1 / (1 + x) from 0 to 1, int16 `[513]`."""
    return {
        "exponentials": interpolation_table(math.exp, -10.0, 0.0),
        "reciprocals": interpolation_table(lambda x: 1.0 / (1.0 + x), 0.0, 1.0),
    }


def interpolation_table(function: Callable[[float], float], low: float, high: float) -> Array:
    """Return a function's values at the ends of the intervals, each shifted to halve the error in the middle.

    Args:
        function: of values from `low` to `high`; its own are from -1 to 1.
        low: what the smallest stored value stands for.
        high: what the largest stands for.

    Returns:
        int16 `[513]`, in steps of 2 / 65535.
    """
    step = (high - low) / NUM_INTERVALS
    factor = 65536.0 / 2.0
    found = []
    for index in range(NUM_INTERVALS):
        at = low + index * step
        here, middle, following = function(at), function(at + step / 2), function(low + (index + 1) * step)
        sample = _rounded(here * factor)
        error = _rounded((following * factor + sample) / 2) - _rounded(middle * factor)
        found.append(sample - _rounded(error / 2))
    found.append(_rounded(function(high) * factor))
    table: Array = np.clip(np.array(found), -32768, 32767).astype(np.int16)
    return table


def fitted_table(values: Array) -> Array | None:
    """Return the table that a function's values for every 16-bit number come from, as `LUTLookup` interpolates.

    Args:
        values: int16 `[65536]`, of -32768 first.

    Returns:
        int16 `[513]`; None where no table gives these values.
    """
    starts = values[::INTERVAL].astype(np.int64)
    # The last end is no value of the function's own: it is what the last interval's slope leads to.
    delta = int(_wrapped(values[-1:].astype(np.int64) - starts[-1])[0])
    nearest = round(delta * INTERVAL / (INTERVAL - 1))
    for slope in range(nearest - 2, nearest + 3):
        table = np.append(starts, _wrapped(starts[-1:] + slope))
        slopes = _wrapped(table[1:] - table[:-1])[:, np.newaxis]
        found = table[:-1, np.newaxis] + (slopes * np.arange(INTERVAL) + INTERVAL // 2 >> 7)
        if np.array_equal(_wrapped(found).reshape(-1), values):
            return table.astype(np.int16)
    return None


def _wrapped(values: Array) -> Array:
    """Return the lowest 16 bits of integers, with their sign."""
    return values.astype(np.int16).astype(np.int64)


@functools.cache
def sigmoid_table() -> Array:
    """Return 1 / (1 + exp(-k / 24)) - 1/2 for k = 0..255, int16 `[256]`, in steps of 1 / 65536; the last is the most.

    Each value takes half of what a straight line to the next misses in the middle. Source of the values:
    `sigmoid_table_uint16` in tflite/kernels/internal/common.h.
    """

    def sigmoid(k: float) -> float:
        return 65536.0 / (1.0 + math.exp(-k / 24.0))

    found = []
    for k in range(256):
        missed = sigmoid(k + 0.5) - (sigmoid(k) + sigmoid(k + 1)) / 2
        found.append(min(_rounded(sigmoid(k) + missed / 2) - 32768, 32767) if k < 255 else 32767)
    return np.array(found, np.int16)


def _rounded(value: float) -> float:
    return math.copysign(math.floor(abs(value) + 0.5), value)
