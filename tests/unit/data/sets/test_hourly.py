"""Hours on a grid: gaps, repeats, order; windows that end before what they are to tell."""

from __future__ import annotations

import numpy as np
import pytest

from edgetool.data.sets.hourly import HOUR, hour_windows, place_hours, sine_and_cosine
from edgetool.errors import DataError


def test_rows_are_placed_in_order_and_gaps_are_nan() -> None:
    hours = place_hours("file", np.array([5, 3, 6, 3]) * HOUR)
    assert (hours.time // HOUR).tolist() == [3, 4, 5, 6]
    assert hours.num_repeated == 1 and hours.num_missing == 1
    np.testing.assert_array_equal(hours.place(np.array([50, 30, 60, 99])), [30, np.nan, 50, 60])  # the first row counts


@pytest.mark.parametrize(
    "time", [np.array([1, 3600]), np.array([], np.int64), np.array([0.0, 3600.0]), np.zeros((2, 2), np.int64)]
)
def test_times_that_are_no_hours_are_refused(time: np.ndarray) -> None:
    with pytest.raises(DataError, match="one row an hour"):
        place_hours("file", time)


def test_another_unit_of_time_is_refused() -> None:
    milliseconds = np.arange(100) * HOUR * 1000
    with pytest.raises(DataError, match=r"100 different hours spread over 99,001.*seconds"):
        place_hours("file", milliseconds)


def test_a_window_ends_before_its_row() -> None:
    series = np.arange(20).reshape(10, 2)
    windows = hour_windows(series, np.array([3, 10]), 3)
    np.testing.assert_array_equal(windows[:, :, 0], [[0, 2, 4], [14, 16, 18]])


def test_angles_repeat_with_the_period() -> None:
    sine, cosine = sine_and_cosine(np.array([0, 6, 24, 30]) * HOUR, 24)
    np.testing.assert_allclose(sine, [0, 1, 0, 1], atol=1e-12)
    np.testing.assert_allclose(cosine, [1, 0, 1, 0], atol=1e-12)
