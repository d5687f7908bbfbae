"""Hourly series: rows put on a grid of hours, so that a missing hour is a row without reading."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgetool.data.dataset import Array
from edgetool.errors import DataError

__all__ = ["HOUR", "Hours", "hour_windows", "place_hours", "sine_and_cosine"]

#: Seconds.
HOUR = 3600
#: Rows that a grid may have for each row that was read: more is no series of hours, but a wrong unit of time.
MAX_SPREAD = 10


@dataclass(frozen=True, slots=True)
class Hours:
    """A grid of hours.

    Attributes:
        time: int64 seconds, `HOUR` apart, rising.
        row: The row that was read for each hour; -1 if there is none.
        num_repeated: rows left out, because an earlier row is of the same hour.
        num_missing: hours without a row.
    """

    time: Array
    row: Array
    num_repeated: int
    num_missing: int

    def place(self, values: Array) -> Array:
        """Return float64 `values`, one a row that was read, on the grid: NaN where an hour has no row."""
        return np.where(self.row >= 0, values.astype(np.float64)[self.row], np.nan)


def place_hours(subject: str, time: Array) -> Hours:
    """Put rows on a grid from the first hour to the last.

    Args:
        subject: the file, for messages.
        time: `[N]` whole seconds of each row, in any order, on the hour.

    Raises:
        DataError: no rows, times that are not on the hour, or so far apart that they are not in seconds.
    """
    if time.ndim != 1 or time.dtype.kind not in "iu" or not time.size or (time % HOUR).any():
        raise DataError(
            subject,
            found=f"times {time[:3].tolist() if time.ndim == 1 else list(time.shape)}, {time.dtype}",
            expected="whole seconds, one row an hour",
            next_step="get the file again; the series is hourly",
        )
    hours, rows = np.unique(time // HOUR, return_index=True)  # the first row of each hour
    length = int(hours[-1] - hours[0]) + 1
    if length > MAX_SPREAD * len(hours):
        raise DataError(
            subject,
            found=f"{len(hours):,} different hours spread over {length:,}",
            expected="an hourly series",
            next_step="check the unit of time: seconds",
        )
    row = np.full(length, -1, np.int64)
    row[hours - hours[0]] = rows
    grid = (hours[0] + np.arange(length, dtype=np.int64)) * HOUR
    return Hours(grid, row, num_repeated=len(time) - len(hours), num_missing=length - len(hours))


def hour_windows(series: Array, ends: Array, length: int) -> Array:
    """Return `[N, length, ...]`: for each of `ends` the `length` rows of `series` before that row."""
    return np.asarray(series[ends[:, None] + np.arange(-length, 0)])


def sine_and_cosine(time: Array, period_hours: int) -> tuple[Array, Array]:
    """Return sine and cosine of where in a period each of `time` (seconds) is."""
    angle = 2.0 * np.pi * (time // HOUR % period_hours) / period_hours
    return np.sin(angle), np.cos(angle)
