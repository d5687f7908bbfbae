from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from edgetool.measure.noise import judge_noise
from edgetool.runners.conditions import Conditions


def rounds(medians: list[float]) -> list[np.ndarray]:
    return [np.array([m * 0.999, m, m, m * 1.001]) for m in medians]


def test_steady_rounds_are_quiet() -> None:
    found = judge_noise(rounds([1000, 1002, 999, 1001, 1000, 998]))
    assert found.verdict == "quiet"
    assert "spread" in found.reason


def test_spread_between_rounds_is_noisy_then_unusable() -> None:
    noisy = judge_noise(rounds([1000, 1060, 940, 1000, 1060, 940]))
    assert noisy.verdict == "noisy" and "spread by" in noisy.reason
    assert judge_noise(rounds([1000, 1400, 600, 1000, 1400, 600])).verdict == "unusable"


def test_drift_is_named() -> None:
    found = judge_noise(rounds([1000, 1000, 1000, 1100, 1100, 1100]))
    assert found.verdict == "noisy" and "drift of 10.0%" in found.reason


def test_long_tail_is_named() -> None:
    found = judge_noise([np.array([1000] * 8 + [1500] * 2)] * 6)
    assert found.verdict == "noisy" and "90th percentile" in found.reason


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ({"load": 3.0}, {}, "load average 3.0"),
        ({}, {"steal_ticks": 50}, "hypervisor took 5.0%"),
        ({}, {"num_throttled": 3}, "throttled 3 times"),
        ({}, {"governor": "powersave"}, "powersave"),
    ],
)
def test_hints_of_the_system_make_a_quiet_run_noisy(before: dict, after: dict, reason: str) -> None:
    start = dataclasses.replace(Conditions(total_ticks=1000), **before)
    end = dataclasses.replace(Conditions(total_ticks=2000), **after)
    found = judge_noise(rounds([1000] * 6), start, end, num_cpus=4)
    assert found.verdict == "noisy" and reason in found.reason


def test_calm_system_stays_quiet() -> None:
    start, end = Conditions(load=1.9, total_ticks=1000), Conditions(load=4.0, steal_ticks=9, total_ticks=2000)
    assert judge_noise(rounds([1000] * 6), start, end, num_cpus=4).verdict == "quiet"
