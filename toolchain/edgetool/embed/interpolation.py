"""Tables of functions in 512 intervals, between whose values 16-bit kernels interpolate.

Source: `LUTPopulate` in tflite/kernels/internal/common.h, in double precision.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import numpy as np

from edgetool.data.dataset import Array

__all__ = ["interpolation_table", "wide_tables"]

NUM_INTERVALS = 512


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


def _rounded(value: float) -> float:
    return math.copysign(math.floor(abs(value) + 0.5), value)
