"""The energy of an inference is that of its turns, over the inferences in them."""

from __future__ import annotations

import pytest

from edgetool.measure.energy import EnergyMeter
from edgetool.runners.energy import NOT_MEASURED, EnergyCounter


class FakeCounter(EnergyCounter):
    method = "measured by a fake"

    def __init__(self, *joules: float | None) -> None:
        self.joules = list(joules)

    def read_joules(self) -> float | None:
        return self.joules.pop(0)


def spend(meter: EnergyMeter, key: str, num_runs: int) -> None:
    with meter.counting(key, num_runs):
        pass


def test_turns_add_up_and_are_divided_by_their_runs() -> None:
    meter = EnergyMeter(FakeCounter(1.0, 1.4, 1.4, 1.8, 2.0, 2.0))
    spend(meter, "a", 4)
    spend(meter, "a", 4)
    spend(meter, "b", 1)
    assert meter.method == "measured by a fake"
    assert meter.joules_per_run("a") == pytest.approx(0.1)
    assert meter.joules_per_run("b") == 0.0
    assert meter.joules_per_run("c") is None


@pytest.mark.parametrize("joules", [(None, 1.0), (1.0, None), (5.0, 1.0)])
def test_a_counter_that_fails_or_falls_counts_for_nothing(joules: tuple[float | None, float | None]) -> None:
    meter = EnergyMeter(FakeCounter(*joules, 1.0, 3.0))
    spend(meter, "a", 2)
    assert meter.joules_per_run("a") is None
    spend(meter, "a", 2)
    assert meter.joules_per_run("a") == 1.0


def test_without_a_counter_nothing_is_claimed() -> None:
    meter = EnergyMeter(EnergyCounter())
    spend(meter, "a", 1)
    assert meter.joules_per_run("a") is None and meter.method == NOT_MEASURED
