from __future__ import annotations

import math

import numpy as np
import pytest

from edgetool.measure.statistics import _student_t975, mlperf_p90, ratio_of_medians, summarize


def rounds_of(generator: np.random.Generator, base: float, shared: np.ndarray, own: float = 0.01) -> list[np.ndarray]:
    return [(base * s * np.exp(generator.normal(0, own, 40))).astype(np.int64) for s in shared]


def test_summary_of_known_samples() -> None:
    summary = summarize(np.arange(1, 102))
    assert (summary.num_samples, summary.min, summary.max, summary.mean) == (101, 1, 101, 51)
    assert (summary.p50, summary.p90, summary.p95, summary.p99) == (51, 91, 96, 100)
    assert summary.std == pytest.approx(np.std(np.arange(1, 102), ddof=1))


def test_percentiles_interpolate_linearly() -> None:
    assert summarize(np.array([10, 20])).p90 == pytest.approx(19.0)


def test_one_sample_has_no_spread() -> None:
    assert summarize(np.array([7])).std == 0.0


def test_mlperf_rule_is_the_median_of_five_windows() -> None:
    windows = [np.full(10, value) for value in (100, 900, 200, 300, 400)]
    assert mlperf_p90(windows) == 300
    assert mlperf_p90([window for window in windows for _ in range(2)]) == 300


def test_mlperf_rule_needs_five_rounds() -> None:
    assert mlperf_p90([np.ones(9)] * 4) is None


def test_ratio_is_that_of_the_medians_and_its_interval_holds_it() -> None:
    generator = np.random.default_rng(0)
    shared = np.exp(generator.normal(0, 0.2, 25))
    a, b = rounds_of(generator, 3e5, shared), rounds_of(generator, 4e5, shared)
    found = ratio_of_medians(a, b, seed=1)
    assert found.value == pytest.approx(np.median(np.concatenate(a)) / np.median(np.concatenate(b)))
    assert found.low < 0.75 < found.high
    assert found.high - found.low < 0.05, "pairing by rounds must take the shared disturbance out"


def test_ratio_of_equal_artefacts_spans_one() -> None:
    generator = np.random.default_rng(3)
    shared = np.exp(generator.normal(0, 0.05, 25))
    found = ratio_of_medians(rounds_of(generator, 3e5, shared), rounds_of(generator, 3e5, shared), seed=1)
    assert found.low < 1.0 < found.high


def test_unpaired_rounds_would_be_wider() -> None:
    generator = np.random.default_rng(4)
    shared = np.exp(generator.normal(0, 0.2, 25))
    a, b = rounds_of(generator, 3e5, shared), rounds_of(generator, 4e5, shared)
    paired, unpaired = ratio_of_medians(a, b, seed=1), ratio_of_medians(a, b[::-1], seed=1)
    assert paired.high - paired.low < 0.5 * (unpaired.high - unpaired.low)


def test_ratio_is_the_same_for_the_same_seed() -> None:
    generator = np.random.default_rng(5)
    a, b = rounds_of(generator, 3e5, np.ones(10)), rounds_of(generator, 4e5, np.ones(10))
    assert ratio_of_medians(a, b, seed=1) == ratio_of_medians(a, b, seed=1)
    assert ratio_of_medians(a, b, seed=1) != ratio_of_medians(a, b, seed=2)


def test_one_round_gives_no_interval() -> None:
    found = ratio_of_medians([np.array([3])], [np.array([4])], seed=0)
    assert (found.value, found.low, found.high) == (0.75, 0.0, math.inf)


@pytest.mark.parametrize(("degrees", "expected"), [(1, 12.7062), (2, 4.3027), (4, 2.7764), (9, 2.2622), (24, 2.0639)])
def test_student_quantile_against_published_table(degrees: int, expected: float) -> None:
    assert _student_t975(degrees) == pytest.approx(expected, rel=4e-3)
