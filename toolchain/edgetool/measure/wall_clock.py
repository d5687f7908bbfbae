"""How long a benchmark takes: estimated beforehand, and bounded in wall time however loaded the machine is."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["BenchTime", "WallClock", "plan_bench_time"]

#: Seconds of each artefact in each setting, unless asked otherwise or the run is too short for it.
DEFAULT_SECONDS = 2.0
#: Of the wall time of a run, the part that timing may take unless it was asked for: a third, half of what came before.
SHARE_OF_TIME_BEFORE = 0.5
#: Timing takes at least this, in seconds, so that something is measured.
MIN_WALL_SECONDS = 3.0
#: Wall time over timed inference: warm-up, rewarming, messages.
OVERHEAD = 1.5
#: Wall time to start the process of an artefact and to load it.
LOAD_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class BenchTime:
    """What a benchmark is to take.

    Attributes:
        seconds_per_item: timed inference of each artefact in each setting, about.
        expected_seconds: wall time on an idle machine.
        wall_seconds: it ends after this, with what is measured by then.
    """

    seconds_per_item: float
    expected_seconds: float
    wall_seconds: float


def plan_bench_time(
    asked_seconds: float | None, *, num_items: int, num_settings: int, seconds_before: float
) -> BenchTime:
    """Return what a benchmark is to take.

    Args:
        asked_seconds: `--bench-seconds`; None: the default, in at most a third of the run.
        num_items: artefacts.
        num_settings: settings that each is measured in.
        seconds_before: wall time of the stages before.
    """
    count = max(1, num_items * num_settings)
    loading = LOAD_SECONDS * count
    if asked_seconds is not None:
        expected = OVERHEAD * asked_seconds * count + loading
        return BenchTime(asked_seconds, expected, 2.0 * expected)
    limit = max(MIN_WALL_SECONDS, SHARE_OF_TIME_BEFORE * seconds_before)
    seconds = min(DEFAULT_SECONDS, max(0.1 * limit, limit - loading) / (OVERHEAD * count))
    return BenchTime(seconds, min(limit, OVERHEAD * seconds * count + loading), limit)


class WallClock:
    """Counts down the wall time that is left.

    Args:
        limit_s: seconds from now; None: no limit.
        now: a monotonic clock, in seconds.
    """

    def __init__(self, limit_s: float | None, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._end = math.inf if limit_s is None else now() + limit_s

    def remaining(self) -> float:
        """Return the seconds that are left; below 0: over."""
        return self._end - self._now()

    def share(self, parts: int) -> WallClock:
        """Return a clock of one of `parts` equal parts of what is left."""
        left = self.remaining()
        return WallClock(None if math.isinf(left) else left / max(1, parts), self._now)
