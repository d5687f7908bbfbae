"""Was the machine quiet? A verdict on a latency run, with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from edgetool.measure.statistics import Samples
from edgetool.runners.conditions import Conditions

__all__ = ["NoiseVerdict", "judge_noise"]

#: Limits of the share by which (spread between rounds, drift, 90th percentile over median) may be off: quiet, noisy.
SPREAD_LIMITS = (0.03, 0.15)
DRIFT_LIMITS = (0.03, 0.20)
TAIL_LIMITS = (0.15, 1.00)
#: Share of CPU time that the hypervisor gave to others.
STEAL_LIMIT = 0.01
#: Processes that wanted to run before the measurement, for each CPU.
LOAD_LIMIT = 0.5

#: 1 / quantile of the normal distribution at 3/4: makes the median absolute deviation an estimate of sigma.
_MAD_TO_SIGMA = 1.4826


@dataclass(frozen=True, slots=True)
class NoiseVerdict:
    """`quiet`, `noisy` or `unusable`, and why."""

    verdict: Literal["quiet", "noisy", "unusable"]
    reason: str


def judge_noise(
    rounds: Sequence[Samples], before: Conditions | None = None, after: Conditions | None = None, *, num_cpus: int = 1
) -> NoiseVerdict:
    """Judge one artefact's samples.

    Three figures come from the samples: the spread of the rounds' medians (1.4826 times the median absolute deviation,
    over the median), the drift (median of the last third of rounds against the first third) and the tail (90th
    percentile over the median). Hints of the machine (load, stolen time, throttling) make a quiet run noisy, too.

    Args:
        rounds: samples of each round, in the order of time.
        before: conditions of the machine before the run.
        after: and after it.
        num_cpus: CPUs that the load is shared by.
    """
    medians = np.array([np.median(r) for r in rounds])
    centre = float(np.median(medians))
    third = max(1, len(medians) // 3)
    spread = _MAD_TO_SIGMA * float(np.median(np.abs(medians - centre))) / centre
    drift = abs(float(np.median(medians[-third:]) / np.median(medians[:third])) - 1.0)
    pooled = np.concatenate(rounds)
    tail = float(np.percentile(pooled, 90) / np.median(pooled)) - 1.0
    figures = (
        (spread, SPREAD_LIMITS, f"medians of rounds spread by {spread:.1%}"),
        (drift, DRIFT_LIMITS, f"drift of {drift:.1%} from first to last rounds"),
        (tail, TAIL_LIMITS, f"90th percentile {tail:.0%} above the median"),
    )
    unusable = [text for value, limits, text in figures if value > limits[1]]
    if unusable:
        return NoiseVerdict("unusable", "; ".join(unusable))
    noisy = [text for value, limits, text in figures if value > limits[0]]
    if before is not None and after is not None:
        noisy += _hints(before, after, num_cpus)
    if noisy:
        return NoiseVerdict("noisy", "; ".join(noisy))
    return NoiseVerdict("quiet", f"{figures[0][2]}, {figures[1][2]}")


def _hints(before: Conditions, after: Conditions, num_cpus: int) -> list[str]:
    hints = []
    if before.load > LOAD_LIMIT * num_cpus:
        hints.append(f"load average {before.load:.1f} on {num_cpus} CPUs before the run")
    elapsed = after.total_ticks - before.total_ticks
    steal = (after.steal_ticks - before.steal_ticks) / elapsed if elapsed > 0 else 0.0
    if steal > STEAL_LIMIT:
        hints.append(f"the hypervisor took {steal:.1%} of CPU time")
    if after.num_throttled > before.num_throttled:
        hints.append(f"CPUs were throttled {after.num_throttled - before.num_throttled} times (heat or CPU quota)")
    if after.governor == "powersave":
        hints.append("the frequency governor is 'powersave'")
    return hints
