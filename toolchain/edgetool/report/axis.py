"""Axes of charts: linear or logarithmic positions, and round ticks."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

__all__ = ["Axis", "make_axis"]

#: Values whose largest is so many times the smallest are shown on a logarithmic axis.
LOG_FROM = 3.0


@dataclass(frozen=True, slots=True)
class Axis:
    """A mapping of values to pixels.

    Attributes:
        low: value at `start`.
        high: value at `end`.
        start: pixel of `low`; larger than `end` for an axis that grows upwards.
        end: pixel of `high`.
        log: positions go by the logarithm.
        ticks: (value, text) of each tick.
    """

    low: float
    high: float
    start: float
    end: float
    log: bool
    ticks: tuple[tuple[float, str], ...]

    def position(self, value: float) -> float:
        """Return the pixel of `value`, kept within the axis."""
        low, high = self.low, self.high
        if self.log:
            value, low, high = math.log(max(value, 1e-300)), math.log(low), math.log(high)
        share = min(1.0, max(0.0, (value - low) / (high - low)))
        return self.start + share * (self.end - self.start)


def make_axis(
    values: Sequence[float],
    pixels: tuple[float, float],
    *,
    tick_text: Callable[[float], str],
    may_be_log: bool,
    num_ticks: int = 6,
    highest: float | None = None,
) -> Axis:
    """Return an axis with room around `values`.

    Args:
        values: all that must be seen; at least one.
        pixels: where the axis starts and ends.
        tick_text: writes a tick's value.
        may_be_log: the values are positive and ratios mean more than differences.
        num_ticks: about how many ticks.
        highest: the axis never passes it.
    """
    low, high = min(values), max(values)
    if may_be_log and low > 0 and high / low >= LOG_FROM:
        low, high = low / (high / low) ** 0.06, high * (high / low) ** 0.06
        return Axis(low, high, *pixels, True, tuple((v, tick_text(v)) for v in _log_ticks(low, high, num_ticks)))
    margin = (high - low) * 0.08 or abs(high) * 0.05 or 1.0
    low, high = (max(0.0, low - margin) if low >= 0 else low - margin), high + margin
    if highest is not None:
        high = min(high, highest)
    return Axis(low, high, *pixels, False, tuple((v, tick_text(v)) for v in _linear_ticks(low, high, num_ticks)))


def _linear_ticks(low: float, high: float, num_ticks: int) -> list[float]:
    rough = (high - low) / max(1, num_ticks - 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(index * step, 12) for index in range(first, math.floor(high / step + 1e-9) + 1)]


def _log_ticks(low: float, high: float, num_ticks: int) -> list[float]:
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks: list[float] = []
    for factors in ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 5, 7)):
        ticks = [f * 10.0**d for d in decades for f in factors if low <= f * 10.0**d <= high]
        if len(ticks) >= num_ticks - 2:
            break
    return ticks
