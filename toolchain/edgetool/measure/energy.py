"""Energy of one inference, from the counter of the place that runs it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from edgetool.runners.energy import EnergyCounter

__all__ = ["EnergyMeter"]


class EnergyMeter:
    """Adds up the energy used inside `with meter.counting(...)` blocks, for each key.

    Args:
        counter: of the place where the inferences run.
    """

    def __init__(self, counter: EnergyCounter) -> None:
        self.method = counter.method
        self._counter = counter
        self._joules: dict[str, float] = {}
        self._runs: dict[str, int] = {}

    @contextlib.contextmanager
    def counting(self, key: str, num_runs: int) -> Iterator[None]:
        """Add what is used inside to `key`, for `num_runs` inferences."""
        before = self._counter.read_joules()
        yield
        after = self._counter.read_joules()
        if before is not None and after is not None and after >= before:
            self._joules[key] = self._joules.get(key, 0.0) + after - before
            self._runs[key] = self._runs.get(key, 0) + num_runs

    def joules_per_run(self, key: str) -> float | None:
        """Return the mean energy of one inference of `key`; None where nothing was measured."""
        return self._joules[key] / self._runs[key] if self._runs.get(key) else None
