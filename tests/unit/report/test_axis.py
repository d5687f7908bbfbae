"""Axes and their ticks."""

from __future__ import annotations

import pytest

from edgetool.report.axis import make_axis


def test_a_linear_axis_maps_its_ends() -> None:
    axis = make_axis([10.0, 20.0], (0.0, 100.0), tick_text=str, may_be_log=True)
    assert not axis.log and axis.low < 10 and axis.high > 20
    assert axis.position(axis.low) == 0.0 and axis.position(axis.high) == 100.0
    assert axis.position(15.0) == pytest.approx(50.0)
    values = [value for value, _ in axis.ticks]
    assert values == sorted(values) and all(axis.low <= value <= axis.high for value in values)


def test_wide_values_get_a_logarithmic_axis() -> None:
    axis = make_axis([1.0, 1000.0], (100.0, 0.0), tick_text=lambda v: f"{v:g}", may_be_log=True)
    assert axis.log and axis.position(1000.0) < axis.position(1.0)
    middle = (axis.low * axis.high) ** 0.5
    assert axis.position(middle) == pytest.approx(50.0)
    assert "100" in [text for _, text in axis.ticks]


def test_one_value_and_a_ceiling() -> None:
    axis = make_axis([1.0], (0.0, 1.0), tick_text=str, may_be_log=False, highest=1.0)
    assert axis.high == 1.0 and axis.low < 1.0
    assert axis.position(5.0) == 1.0, "positions stay within the axis"
