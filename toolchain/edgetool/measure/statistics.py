"""Statistics of latency: summaries, MLPerf's rule, and the interval of a ratio of medians."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

__all__ = ["PERCENTILE_METHOD", "Interval", "Summary", "mlperf_p90", "ratio_of_medians", "summarize"]

Samples = npt.NDArray[np.int64]

#: Linear interpolation between order statistics (Hyndman and Fan 1996, type 7): NumPy's default, and the rule that
#: `litert-benchmark` follows.
PERCENTILE_METHOD: Literal["linear"] = "linear"

#: MLPerf's figure of a latency run is its 90th percentile; of five windows the median is taken.
MLPERF_WINDOWS = 5

#: More samples of one round than this do not narrow an interval that comes from the spread between rounds.
_MAX_SAMPLES_PER_ROUND = 100


@dataclass(frozen=True, slots=True)
class Summary:
    """Order statistics, mean and sample standard deviation (n - 1), in the unit of the samples."""

    num_samples: int
    min: float
    mean: float
    p50: float
    p90: float
    p95: float
    p99: float
    max: float
    std: float


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with the bounds of its 95 % interval."""

    value: float
    low: float
    high: float


def summarize(samples: Samples) -> Summary:
    """Summarise samples of any unit.

    Args:
        samples: `[n]`, n at least 1.
    """
    p50, p90, p95, p99 = np.percentile(samples, (50, 90, 95, 99), method=PERCENTILE_METHOD)
    return Summary(
        num_samples=int(samples.size),
        min=float(samples.min()),
        mean=float(samples.mean()),
        p50=float(p50),
        p90=float(p90),
        p95=float(p95),
        p99=float(p99),
        max=float(samples.max()),
        std=float(samples.std(ddof=1)) if samples.size > 1 else 0.0,
    )


def mlperf_p90(rounds: Sequence[Samples]) -> float | None:
    """Return the median over five windows of each window's 90th percentile.

    A window is a fifth of the rounds, in the order of time. This is the rule alone, not a submission: MLPerf also asks
    for its own load generator, accuracy run and minimum durations.

    Args:
        rounds: samples of each round, in the order of time.

    Returns:
        The figure in the unit of the samples; None where there are fewer than five rounds.
    """
    if len(rounds) < MLPERF_WINDOWS:
        return None
    bounds = np.linspace(0, len(rounds), MLPERF_WINDOWS + 1).round().astype(int)
    windows = [np.concatenate(rounds[a:b]) for a, b in itertools.pairwise(bounds)]
    return float(np.median([np.percentile(window, 90, method=PERCENTILE_METHOD) for window in windows]))


def ratio_of_medians(
    samples: Sequence[Samples], reference: Sequence[Samples], *, seed: int, num_resamples: int = 1000
) -> Interval:
    """Return median(samples) / median(reference) with its 95 % bootstrap interval.

    Rounds are resampled, not samples: latencies within a round share the state of the machine, so that samples are
    not independent, and both artefacts are resampled by the same rounds, because they ran in them side by side
    (paired cluster bootstrap; Davison and Hinkley 1997, section 3.8). The percentile interval of R rounds is widened by
    t(0.975, R - 1) / 1.96 * sqrt(R / (R - 1)) around the estimate, in logarithms, because few rounds show too little
    of the spread (Hesterberg 2015, "What Teachers Should Know About the Bootstrap", section 3.2).

    Args:
        samples: of each round, rounds in the same order as in `reference`.
        reference: of each round.
        seed: of the resampling.
        num_resamples: bootstrap resamples.
    """
    value = float(np.median(np.concatenate(samples)) / np.median(np.concatenate(reference)))
    num_rounds = min(len(samples), len(reference))
    if num_rounds < 2:
        return Interval(value, 0.0, math.inf)
    generator = np.random.default_rng(seed)
    weights = generator.multinomial(num_rounds, np.full(num_rounds, 1.0 / num_rounds), size=num_resamples)
    ratios = _weighted_medians(samples[:num_rounds], weights) / _weighted_medians(reference[:num_rounds], weights)
    low, high = np.log(np.percentile(ratios, (2.5, 97.5), method=PERCENTILE_METHOD) / value)
    wider = _student_t975(num_rounds - 1) / 1.959964 * math.sqrt(num_rounds / (num_rounds - 1))
    return Interval(value, value * math.exp(min(0.0, low) * wider), value * math.exp(max(0.0, high) * wider))


def _weighted_medians(rounds: Sequence[Samples], weights: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return the median of all samples for each row of round weights, `[num_resamples, num_rounds]`."""
    thinned = [np.sort(r)[_spread(r.size)] for r in rounds]
    values = np.concatenate(thinned)
    # A round counts by its number of samples, thinned or not.
    shares = np.concatenate([np.full(t.size, r.size / t.size) for t, r in zip(thinned, rounds, strict=True)])
    ids = np.concatenate([np.full(t.size, i) for i, t in enumerate(thinned)])
    order = np.argsort(values, kind="stable")
    values, shares, ids = values[order], shares[order], ids[order]
    medians = np.empty(len(weights))
    for index, row in enumerate(weights):
        cumulative = np.cumsum(row[ids] * shares)
        half = cumulative[-1] / 2
        lower = values[np.searchsorted(cumulative, half * (1 - 1e-12))]
        upper = values[np.searchsorted(cumulative, half * (1 + 1e-12), side="right")]
        medians[index] = (lower + upper) / 2
    return medians


def _spread(size: int) -> npt.NDArray[np.int64]:
    """Return evenly spread positions in a sorted array: all of them, or `_MAX_SAMPLES_PER_ROUND`."""
    if size <= _MAX_SAMPLES_PER_ROUND:
        return np.arange(size)
    return ((np.arange(_MAX_SAMPLES_PER_ROUND) + 0.5) * size / _MAX_SAMPLES_PER_ROUND).astype(np.int64)


def _student_t975(degrees: int) -> float:
    """Return the 97.5 % quantile of Student's t by the Cornish-Fisher expansion (Abramowitz and Stegun 26.7.5).

    Exact for one and two degrees of freedom, elsewhere within 0.3 %.
    """
    if degrees == 1:
        return 12.7062
    if degrees == 2:
        return 4.3027
    z = 1.959964
    terms = (
        z,
        (z**3 + z) / 4 / degrees,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96 / degrees**2,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384 / degrees**3,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160 / degrees**4,
    )
    return math.fsum(terms)
