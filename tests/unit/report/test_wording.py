"""Numbers in words."""

from __future__ import annotations

import pytest

from edgetool.report import wording


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (wording.count(8_475_530), "8,475,530"),
        (wording.plural(1, "thread"), "1 thread"),
        (wording.plural(4, "thread"), "4 threads"),
        (wording.points(1.0, "points"), "1 point"),
        (wording.points(0.5, "points"), "0.5 points"),
        (wording.points(2.0, "%"), "2 %"),
        (wording.kilobytes(999), "999 B"),
        (wording.kilobytes(87_072), "87.1 kB"),
        (wording.kilobytes(999_900), "1.00 MB"),
        (wording.percent(0.8727, 2), "87.27 %"),
        (wording.number(-0.00123456), "\N{MINUS SIGN}0.001235"),
        (wording.times(3.614), "3.61"),
        (wording.times(36.14), "36.1"),
        (wording.microseconds(255_340), "255.3"),
        (wording.microseconds(17_459_105), "17,459"),
        (wording.metric_value("accuracy", 0.8727), "87.27 %"),
        (wording.metric_value("mae", 0.12345678), "0.1235"),
        (wording.drop(-0.5), "\N{MINUS SIGN}0.50"),
        (wording.drop(-0.001), "0.00"),
        (wording.drop_unit("mse"), "%"),
        (wording.p_value(0.0000001), "< 0.001"),
        (wording.p_value(0.999), "1"),
        (wording.p_value(0.0321), "0.032"),
    ],
)
def test_wording(found: str, expected: str) -> None:
    assert found == expected
