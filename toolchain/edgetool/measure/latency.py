"""Latency of many artefacts side by side: each in its own process, all interleaved round robin in one run.

A round gives every artefact one turn, in a shuffled order. A turn is a burst of inferences, after a few untimed ones
that bring caches and clocks back. What disturbs the machine for a while then disturbs all artefacts alike, and ratios
keep their meaning.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from edgetool.errors import EdgetoolError
from edgetool.measure.energy import EnergyMeter
from edgetool.measure.noise import judge_noise
from edgetool.measure.statistics import Samples, mlperf_p90, ratio_of_medians, summarize
from edgetool.measure.wall_clock import WallClock
from edgetool.records import LatencyRecord, RatioRecord
from edgetool.runners.base import Runner, RunPlan, Session
from edgetool.runners.conditions import Conditions

__all__ = ["BenchItem", "BenchResult", "bench_artifacts"]

Progress = Callable[[str, int, int], None]
OnSamples = Callable[[dict[str, Any]], None]

#: Rounds of a run: enough for the interval of a ratio, each long enough for caches to settle.
NUM_ROUNDS = 25
#: Fewest rounds for models so slow that more would take far longer than was asked for.
MIN_ROUNDS = 5
#: Fewest rounds where the wall time is over: a ratio needs two for its interval.
HURRIED_ROUNDS = 2
#: Untimed inferences before the first round go on at least this long.
WARMUP_NS = 100e6
#: Untimed inferences at the start of each turn go on about this long, or are one.
REWARM_NS = 5e6
MAX_WARMUP_RUNS = 200
MAX_REWARM_RUNS = 20
#: No answer for so long: the artefact has failed.
DEFAULT_TIMEOUT_S = 300.0


@dataclass(frozen=True, slots=True)
class BenchItem:
    """One artefact under comparison.

    Attributes:
        name: unique among the items.
        path: its file.
        reference: name of the item that its ratio is taken to; None: no ratio.
    """

    name: str
    path: Path
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class BenchResult:
    """What a run measured.

    Attributes:
        records: of each item, one for each setting that it ran in.
        errors: of each item that failed in some setting, the first error.
        skipped: settings that no time was left for, in words.
    """

    records: dict[str, tuple[LatencyRecord, ...]]
    errors: dict[str, EdgetoolError]
    skipped: tuple[str, ...] = ()

    @property
    def failures(self) -> dict[str, str]:
        """The text of each error."""
        return {name: str(error) for name, error in self.errors.items()}


@dataclass(slots=True)
class _Lane:
    """One item in one setting while it runs."""

    item: BenchItem
    session: Session
    estimate_ns: float = 0.0
    num_warmup: int = 0
    num_rewarm: int = 1
    rounds: list[Samples] = field(default_factory=list)
    peak_rss_bytes: int | None = None


def bench_artifacts(
    items: Sequence[BenchItem],
    settings: Sequence[RunPlan],
    *,
    seed: int,
    runner: Runner,
    seconds_per_item: float = 2.0,
    num_runs: int | None = None,
    mlperf: bool = False,
    wall_seconds: float | None = None,
    progress: Progress | None = None,
    on_samples: OnSamples | None = None,
) -> BenchResult:
    """Measure every item in every setting. An artefact that fails is reported; the others go on.

    Args:
        items: artefacts under comparison.
        settings: each is one interleaved run of all items.
        seed: of the order of turns and of the bootstrap.
        runner: where to run.
        seconds_per_item: timed inference of each item in each setting, about.
        num_runs: timed inferences of each item in each setting, exactly; overrides `seconds_per_item`.
        wall_seconds: after this no setting begins, and no round beyond `HURRIED_ROUNDS`; None: no limit.
        mlperf: also report the median over five windows of the 90th percentile.
        progress: called with (what, done, total).
        on_samples: called after every turn with a JSON-ready dictionary of its raw samples.
    """
    records: dict[str, list[LatencyRecord]] = {}
    errors: dict[str, EdgetoolError] = {}
    clock = WallClock(wall_seconds)
    skipped: list[str] = []
    for index, plan in enumerate(settings):
        share = clock.share(len(settings) - index)
        if index > 0 and share.remaining() <= 0.0:
            skipped.append(f"{plan.device}, {plan.num_threads} threads: no time was left")
            continue
        timed = dataclasses.replace(plan, timeout_s=plan.timeout_s or DEFAULT_TIMEOUT_S)
        run = _Run(timed, runner, seed=seed, progress=progress, on_samples=on_samples)
        try:
            run.open(items)
            run.warm_up()
            run.measure(seconds_per_item, num_runs, share)
        finally:
            run.close()
        for name, error in run.errors.items():
            errors.setdefault(name, error)
        for name, record in run.records(mlperf=mlperf).items():
            records.setdefault(name, []).append(record)
    return BenchResult({name: tuple(found) for name, found in records.items()}, errors, tuple(skipped))


class _Run:
    """All items in one setting."""

    def __init__(
        self,
        plan: RunPlan,
        runner: Runner,
        *,
        seed: int,
        progress: Progress | None,
        on_samples: OnSamples | None,
    ) -> None:
        threads = f"{plan.num_threads} thread{'s' if plan.num_threads > 1 else ''}"
        self.what = f"bench {plan.device}, {threads}, batch {plan.batch}"
        self.errors: dict[str, EdgetoolError] = {}
        self._plan = plan
        self._runner = runner
        self._machine = runner.probe()
        self._seed = seed
        self._progress: Progress = progress or (lambda *_: None)
        self._on_samples: OnSamples = on_samples or (lambda *_: None)
        self._lanes: list[_Lane] = []
        self._meter = EnergyMeter(runner.energy_counter(plan.device))
        self._before = Conditions()
        self._after = Conditions()

    def open(self, items: Sequence[BenchItem]) -> None:
        """Load every item in its own process."""
        self._before = self._runner.conditions()
        for index, item in enumerate(items):
            self._progress(f"{self.what}: load", index, len(items))
            try:
                self._lanes.append(_Lane(item, self._runner.open(item.path, self._plan)))
            except EdgetoolError as exc:
                self.errors[item.name] = exc
        self._progress(f"{self.what}: load", len(items), len(items))

    def warm_up(self) -> None:
        """Run every item untimed, and learn how long one inference takes."""
        for lane in list(self._lanes):
            first = self._turn(lane, 1)
            if first is None:
                continue
            more = int(min(MAX_WARMUP_RUNS, max(2, WARMUP_NS / max(1, int(first[0])))))
            rest = self._turn(lane, more)
            if rest is not None:
                lane.estimate_ns = max(1.0, float(np.median(rest)))
                lane.num_warmup = 1 + more
                lane.num_rewarm = int(min(MAX_REWARM_RUNS, max(1, math.ceil(REWARM_NS / lane.estimate_ns))))

    def measure(self, seconds: float, num_runs: int | None, clock: WallClock) -> None:
        """Give every item a turn in every round; after `HURRIED_ROUNDS` none begins when the time is over."""
        if not self._lanes:
            return
        generator = np.random.default_rng(self._seed)
        num_rounds = self._num_rounds(seconds, num_runs)
        for index in range(num_rounds):
            if index >= HURRIED_ROUNDS and num_runs is None and clock.remaining() <= 0.0:
                break
            self._progress(self.what, index, num_rounds)
            order = list(self._lanes)
            for position in generator.permutation(len(order)):
                lane = order[position]
                burst = _burst(lane, index, num_rounds, seconds, num_runs)
                samples = self._turn(lane, burst, num_warmup=lane.num_rewarm)
                if samples is not None:
                    lane.rounds.append(samples)
                    self._emit(lane, index, samples)
        self._progress(self.what, num_rounds, num_rounds)
        self._after = self._runner.conditions()
        for lane in list(self._lanes):
            try:
                lane.peak_rss_bytes = lane.session.peak_rss_bytes()
            except EdgetoolError as exc:
                self._drop(lane, exc)

    def records(self, *, mlperf: bool) -> dict[str, LatencyRecord]:
        """Summarise the items that came through."""
        lanes = {lane.item.name: lane for lane in self._lanes if lane.rounds}
        return {name: self._record(lane, lanes.get(lane.item.reference or ""), mlperf) for name, lane in lanes.items()}

    def close(self) -> None:
        """End every process."""
        for lane in self._lanes:
            lane.session.close()

    def _num_rounds(self, seconds: float, num_runs: int | None) -> int:
        if num_runs is not None:
            return max(1, min(NUM_ROUNDS, num_runs))
        slowest = max(lane.estimate_ns * (1 + lane.num_rewarm) for lane in self._lanes)
        return int(np.clip(seconds * 1e9 / slowest, MIN_ROUNDS, NUM_ROUNDS))

    def _turn(self, lane: _Lane, num_runs: int, *, num_warmup: int = 0) -> Samples | None:
        """Time one burst; None where the item failed, which takes it out of the run."""
        try:
            with self._meter.counting(lane.item.name, num_runs + num_warmup):
                return np.array(lane.session.time(num_runs, num_warmup=num_warmup), np.int64)
        except EdgetoolError as exc:
            self._drop(lane, exc)
            return None

    def _drop(self, lane: _Lane, error: EdgetoolError) -> None:
        self.errors[lane.item.name] = error
        self._lanes.remove(lane)
        lane.session.close()

    def _emit(self, lane: _Lane, index: int, samples: Samples) -> None:
        plan = self._plan
        self._on_samples(
            {
                "artifact": lane.item.name,
                "runtime": lane.session.runtime,
                "machine": self._machine.key,
                "device": plan.device,
                "num_threads": plan.num_threads,
                "batch": plan.batch,
                "kernels": plan.kernels,
                "round": index,
                "latency_ns": samples.tolist(),
            }
        )

    def _record(self, lane: _Lane, reference: _Lane | None, mlperf: bool) -> LatencyRecord:
        summary = summarize(np.concatenate(lane.rounds))
        noise = judge_noise(lane.rounds, self._before, self._after, num_cpus=self._machine.num_cpus)
        ratio = None
        if reference is not None and reference is not lane:
            found = ratio_of_medians(lane.rounds, reference.rounds, seed=self._seed)
            ratio = RatioRecord(reference.item.name, found.value, found.low, found.high)
        return LatencyRecord(
            device=self._plan.device,
            runtime=lane.session.runtime,
            num_threads=self._plan.num_threads,
            batch=self._plan.batch,
            pinned_cpus=lane.session.pinned_cpus,
            num_warmup=lane.num_warmup,
            num_samples=summary.num_samples,
            min_ns=summary.min,
            mean_ns=summary.mean,
            p50_ns=summary.p50,
            p90_ns=summary.p90,
            p95_ns=summary.p95,
            p99_ns=summary.p99,
            max_ns=summary.max,
            std_ns=summary.std,
            throughput_per_s=self._plan.batch / (summary.mean / 1e9),
            load_ns=lane.session.load_ns,
            peak_rss_bytes=lane.peak_rss_bytes,
            noise=noise.verdict,
            noise_reason=noise.reason,
            mlperf_p90_ns=mlperf_p90(lane.rounds) if mlperf else None,
            ratio=ratio,
            node_providers=dict(lane.session.node_providers),
            energy_per_inference_j=self._meter.joules_per_run(lane.item.name),
            energy_method=self._meter.method,
            runner=self._runner.name,
            machine=self._machine.key,
            governor=self._after.governor,
            clock_hz=self._after.clock_hz,
            temperature_c=self._after.temperature_c,
        )


def _burst(lane: _Lane, index: int, num_rounds: int, seconds: float, num_runs: int | None) -> int:
    """Return how many timed inferences `lane` has in round `index`."""
    if num_runs is not None:
        return num_runs // num_rounds + (index < num_runs % num_rounds)
    return max(1, round(seconds * 1e9 / num_rounds / lane.estimate_ns))
