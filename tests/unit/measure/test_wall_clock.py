"""How long a benchmark takes: a third of the run by default, what was asked for otherwise, never without a bound."""

from __future__ import annotations

import math

import pytest

from edgetool.measure.wall_clock import DEFAULT_SECONDS, WallClock, plan_bench_time


@pytest.mark.parametrize("seconds_before", [6.0, 20.0, 60.0, 400.0])
@pytest.mark.parametrize("num_items", [1, 4, 24])
def test_the_default_takes_at_most_a_third_of_the_run(seconds_before: float, num_items: int) -> None:
    plan = plan_bench_time(None, num_items=num_items, num_settings=2, seconds_before=seconds_before)
    assert plan.wall_seconds / (plan.wall_seconds + seconds_before) <= 1 / 3 + 1e-9
    assert 0.0 < plan.seconds_per_item <= DEFAULT_SECONDS
    assert plan.expected_seconds <= plan.wall_seconds


def test_a_long_run_gets_the_default_and_no_more() -> None:
    plan = plan_bench_time(None, num_items=10, num_settings=2, seconds_before=3600.0)
    assert plan.seconds_per_item == DEFAULT_SECONDS and plan.expected_seconds < 120.0


def test_what_was_asked_for_is_given_and_bounded() -> None:
    plan = plan_bench_time(5.0, num_items=4, num_settings=1, seconds_before=1.0)
    assert plan.seconds_per_item == 5.0
    assert 20.0 < plan.expected_seconds < plan.wall_seconds <= 2.0 * plan.expected_seconds


def test_a_clock_is_shared_in_equal_parts() -> None:
    now = [0.0]
    clock = WallClock(10.0, lambda: now[0])
    first = clock.share(2)
    assert first.remaining() == 5.0
    now[0] = 8.0
    assert first.remaining() == -3.0 and clock.share(1).remaining() == 2.0
    assert math.isinf(WallClock(None).share(3).remaining())
