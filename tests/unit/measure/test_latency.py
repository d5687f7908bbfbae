from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from edgetool.errors import FileFormatError, InterpreterCrashError
from edgetool.measure.latency import HURRIED_ROUNDS, MIN_ROUNDS, NUM_ROUNDS, BenchItem, bench_artifacts
from edgetool.records import Machine
from edgetool.runners.base import RunPlan
from edgetool.runners.conditions import Conditions
from edgetool.runners.energy import EnergyCounter

MACHINE = Machine("Linux", "a CPU", 4, (), 1, "", "3.11", {})

LOG = list[tuple[str, int, int]]


class FakeSession:
    runtime = "litert"
    load_ns = 1000
    pinned_cpus = (3,)

    def __init__(self, name: str, latency_ns: int, log: LOG, dies_after: int | None) -> None:
        self.name = name
        self.node_providers = {"CPUExecutionProvider": 2}
        self.closed = False
        self._latency_ns = latency_ns
        self._log = log
        self._left = dies_after

    def outputs(self, inputs: Any, *, batch_size: int = 64) -> Any:
        raise NotImplementedError

    def time(self, num_runs: int, *, num_warmup: int = 0) -> list[int]:
        if self._left is not None:
            self._left -= 1
            if self._left < 0:
                raise InterpreterCrashError(self.name, found="it died", expected="life", next_step="export again")
        self._log.append((self.name, num_runs, num_warmup))
        return [self._latency_ns + index % 3 for index in range(num_runs)]

    def peak_rss_bytes(self) -> int:
        return 5_000_000

    def close(self) -> None:
        self.closed = True


class FakeCounter(EnergyCounter):
    """Counts a joule each time that it is read."""

    method = "measured by a fake"

    def __init__(self) -> None:
        self._joules = 0.0

    def read_joules(self) -> float:
        self._joules += 1.0
        return self._joules


class FakeRunner:
    name = "fake"

    def __init__(self, latencies: dict[str, int], dies_after: dict[str, int] | None = None) -> None:
        self.log: LOG = []
        self.sessions: list[FakeSession] = []
        self.plans: list[RunPlan] = []
        self.told = itertools.cycle([Conditions(), Conditions(governor="powersave", clock_hz=7, temperature_c=55.5)])
        self._latencies = latencies
        self._dies_after = dies_after or {}

    def probe(self) -> Machine:
        return MACHINE

    def conditions(self) -> Conditions:
        return next(self.told)

    def energy_counter(self, device: str) -> EnergyCounter:
        return FakeCounter()

    def open(self, path: Path, plan: RunPlan) -> FakeSession:
        self.plans.append(plan)
        if path.name not in self._latencies:
            raise FileFormatError(str(path), found="rubbish", expected="a model", next_step="export again")
        session = FakeSession(path.name, self._latencies[path.name], self.log, self._dies_after.get(path.name))
        self.sessions.append(session)
        return session


def items(*names: str, reference: str | None = None) -> list[BenchItem]:
    return [BenchItem(name, Path(name), reference) for name in names]


def test_all_items_take_turns_in_every_round_in_shuffled_order() -> None:
    runner = FakeRunner({"a": 300_000, "b": 600_000, "c": 900_000})
    bench_artifacts(items("a", "b", "c"), [RunPlan()], seed=0, runner=runner, num_runs=NUM_ROUNDS * 2)
    turns = [name for name, num_runs, num_warmup in runner.log if num_warmup]
    rounds = [turns[i : i + 3] for i in range(0, len(turns), 3)]
    assert len(rounds) == NUM_ROUNDS
    assert all(sorted(order) == ["a", "b", "c"] for order in rounds)
    assert len({tuple(order) for order in rounds}) > 2
    again = FakeRunner({"a": 300_000, "b": 600_000, "c": 900_000})
    bench_artifacts(items("a", "b", "c"), [RunPlan()], seed=0, runner=again, num_runs=NUM_ROUNDS * 2)
    assert again.log == runner.log


def test_record_holds_what_was_measured_and_its_ratio() -> None:
    runner = FakeRunner({"a": 300_000, "b": 600_000})
    plan = RunPlan(num_threads=2, batch=4, pin=True)
    result = bench_artifacts(items("a", "b", reference="b"), [plan], seed=0, runner=runner, num_runs=100, mlperf=True)
    (a,), (b,) = result.records["a"], result.records["b"]
    assert (a.num_samples, a.num_threads, a.batch, a.pinned_cpus, a.load_ns) == (100, 2, 4, (3,), 1000)
    assert (a.min_ns, a.max_ns, a.peak_rss_bytes) == (300_000, 300_002, 5_000_000)
    assert a.throughput_per_s == pytest.approx(4 / 300e-6, rel=1e-3)
    assert a.ratio is not None and a.ratio.reference == "b" and a.ratio.value == pytest.approx(0.5, rel=1e-4)
    assert b.ratio is None
    assert a.mlperf_p90_ns is not None and 300_000 <= a.mlperf_p90_ns <= 300_002
    assert a.node_providers == {"CPUExecutionProvider": 2}
    assert a.num_warmup > 100, "a short inference is warmed up many times"


def test_machine_conditions_and_energy_are_the_runners() -> None:
    samples: list[dict[str, Any]] = []
    runner = FakeRunner({"a": 300_000})
    result = bench_artifacts(items("a"), [RunPlan()], seed=0, runner=runner, num_runs=10, on_samples=samples.append)
    (a,) = result.records["a"]
    assert (a.runner, a.machine) == ("fake", MACHINE.key)
    assert (a.governor, a.clock_hz, a.temperature_c) == ("powersave", 7, 55.5)
    assert "powersave" in a.noise_reason
    assert a.energy_method == "measured by a fake" and a.energy_per_inference_j is not None
    assert {sample["machine"] for sample in samples} == {MACHINE.key}


def test_what_a_place_cannot_tell_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeSession, "load_ns", None)
    monkeypatch.setattr(FakeSession, "peak_rss_bytes", lambda self: None)
    result = bench_artifacts(items("a"), [RunPlan()], seed=0, runner=FakeRunner({"a": 300_000}), num_runs=10)
    (a,) = result.records["a"]
    assert a.load_ns is None and a.peak_rss_bytes is None


@pytest.mark.parametrize("num_runs", [1, 3, 24, 26, 99])
def test_number_of_runs_is_exact(num_runs: int) -> None:
    result = bench_artifacts(items("a"), [RunPlan()], seed=0, runner=FakeRunner({"a": 300_000}), num_runs=num_runs)
    assert result.records["a"][0].num_samples == num_runs


def test_seconds_decide_the_number_of_runs() -> None:
    runner = FakeRunner({"a": 1_000_000, "b": 4_000_000})
    result = bench_artifacts(items("a", "b"), [RunPlan()], seed=0, runner=runner, seconds_per_item=1.0)
    assert result.records["a"][0].num_samples == 1000
    assert result.records["b"][0].num_samples == 250


def test_slow_models_get_fewer_rounds() -> None:
    runner = FakeRunner({"a": 1_000_000_000})
    result = bench_artifacts(items("a"), [RunPlan()], seed=0, runner=runner, seconds_per_item=1.0)
    assert result.records["a"][0].num_samples == MIN_ROUNDS


def test_when_the_time_is_over_rounds_end_and_further_settings_are_left_out() -> None:
    runner = FakeRunner({"a": 1_000_000})
    settings = [RunPlan(num_threads=1), RunPlan(num_threads=2)]
    result = bench_artifacts(items("a"), settings, seed=0, runner=runner, seconds_per_item=1.0, wall_seconds=0.0)
    assert [record.num_threads for record in result.records["a"]] == [1]
    assert result.records["a"][0].num_samples == HURRIED_ROUNDS * 1000 // NUM_ROUNDS
    assert result.skipped == ("cpu, 2 threads: no time was left",)


def test_item_that_cannot_be_loaded_is_reported_and_others_go_on() -> None:
    runner = FakeRunner({"a": 300_000})
    result = bench_artifacts(items("a", "bad"), [RunPlan()], seed=0, runner=runner, num_runs=10)
    assert list(result.records) == ["a"]
    assert isinstance(result.errors["bad"], FileFormatError)
    assert "rubbish" in result.failures["bad"]


@pytest.mark.parametrize("calls", [0, 1, 7])
def test_item_that_dies_is_reported_and_others_go_on(calls: int) -> None:
    runner = FakeRunner({"a": 300_000, "b": 300_000}, {"b": calls})
    result = bench_artifacts(items("a", "b", reference="b"), [RunPlan()], seed=0, runner=runner, num_runs=100)
    assert result.records["a"][0].num_samples == 100
    assert result.records["a"][0].ratio is None, "no ratio to a reference that died"
    assert isinstance(result.errors["b"], InterpreterCrashError) and "b" not in result.records
    assert all(session.closed for session in runner.sessions)


def test_every_setting_is_a_run_of_its_own_and_has_a_time_limit() -> None:
    runner = FakeRunner({"a": 300_000})
    settings = [RunPlan(num_threads=1), RunPlan(num_threads=4, timeout_s=7.0)]
    result = bench_artifacts(items("a"), settings, seed=0, runner=runner, num_runs=10)
    assert [record.num_threads for record in result.records["a"]] == [1, 4]
    assert runner.plans[0].timeout_s is not None and runner.plans[1].timeout_s == 7.0


def test_raw_samples_and_progress_are_reported() -> None:
    samples: list[dict[str, Any]] = []
    steps: list[tuple[str, int, int]] = []
    bench_artifacts(
        items("a"),
        [RunPlan()],
        seed=0,
        runner=FakeRunner({"a": 300_000}),
        num_runs=50,
        progress=lambda *step: steps.append(step),
        on_samples=samples.append,
    )
    assert sum(len(sample["latency_ns"]) for sample in samples) == 50
    assert [sample["round"] for sample in samples] == list(range(NUM_ROUNDS))
    assert samples[0]["artifact"] == "a" and samples[0]["num_threads"] == 1
    assert steps[-1] == ("bench cpu, 1 thread, batch 1", NUM_ROUNDS, NUM_ROUNDS)


def test_sessions_are_closed_when_the_run_is_interrupted() -> None:
    runner = FakeRunner({"a": 300_000})

    def interrupt(sample: dict[str, Any]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bench_artifacts(items("a"), [RunPlan()], seed=0, runner=runner, num_runs=10, on_samples=interrupt)
    assert all(session.closed for session in runner.sessions)
