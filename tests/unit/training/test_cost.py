"""What training took: sums over epochs and resumes, and what is not known is not claimed."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgetool.training import cost
from edgetool.training.backends import Devices
from edgetool.training.cost import CostMeter, cost_record, count_macs, flops_per_step, samples_per_second
from edgetool.training.record import EpochCost, EpochRecord, TrainSettings, TrainState

SETTINGS = TrainSettings(
    model="m",
    data="digits",
    data_digest="d",
    num_train_samples=100,
    max_samples=None,
    preprocessing="x",
    loss="mse",
    optimizer="adam",
    learning_rate=0.001,
    batch_size=64,
    epochs=3,
    seed=0,
)
TINY = Path(__file__).parents[2] / "golden" / "models" / "tiny.keras"
EPOCH = EpochRecord(1, 0.5, 0.9, 0.6, 0.8, 3.0)


class FakeMeter:
    method = "measured by a fake"

    def __init__(self, *joules: float | None) -> None:
        self.joules = list(joules)

    def read_joules(self) -> float | None:
        return self.joules.pop(0)


def meter(monkeypatch: pytest.MonkeyPatch, *joules: float | None, devices: Devices | None = None) -> CostMeter:
    monkeypatch.setattr(cost, "open_counter", lambda kind, num_gpus: FakeMeter(*joules))
    return CostMeter(devices or Devices("cpu"))


def test_an_epochs_energy_is_the_difference_of_the_counter(monkeypatch: pytest.MonkeyPatch) -> None:
    found = meter(monkeypatch, 10.0, 25.0, 30.0, 31.0)
    found.begin_epoch()
    assert found.end_epoch(1.5).energy_joules == 15.0
    found.begin_epoch()
    assert found.end_epoch(1.5).energy_joules == 1.0


@pytest.mark.parametrize("joules", [(None, None), (10.0, None), (10.0, 5.0)])
def test_a_counter_that_fails_gives_no_energy(
    monkeypatch: pytest.MonkeyPatch, joules: tuple[float | None, float | None]
) -> None:
    found = meter(monkeypatch, *joules)
    found.begin_epoch()
    assert found.end_epoch(1.5).energy_joules is None


def test_memory_is_the_process_or_the_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    on_cpu = meter(monkeypatch, None, None)
    assert on_cpu.end_epoch(1.0).peak_memory_bytes > 1 << 20
    assert "resident set" in on_cpu.memory_method
    on_gpu = meter(monkeypatch, None, None, devices=Devices("gpu", peak_memory=lambda: 77))
    assert on_gpu.end_epoch(1.0).peak_memory_bytes == 77
    assert "GPU" in on_gpu.memory_method


def test_costs_add_up_over_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    costs = (EpochCost(9.0, 5.0, 100), EpochCost(1.0, 6.0, 300), EpochCost(1.0, 7.0, 200))
    state = TrainState(SETTINGS, (EPOCH, EPOCH, EPOCH), costs=costs)
    found = cost_record(TINY, state, meter(monkeypatch), "a CPU")
    assert (found.seconds, found.energy_joules, found.peak_memory_bytes) == (9.0, 18.0, 300)
    assert found.energy_method == "measured by a fake"
    assert found.samples_per_second == pytest.approx(100.0)
    macs, unknown = count_macs(TINY)
    assert macs and not unknown
    assert found.flops_per_step == macs * 2 * 3 * 64 and "estimate" in found.flops_method


def test_energy_of_some_epochs_is_not_called_the_energy(monkeypatch: pytest.MonkeyPatch) -> None:
    state = TrainState(SETTINGS, (EPOCH, EPOCH), costs=(EpochCost(1.0, 5.0, 1), EpochCost(1.0, None, 1)))
    found = cost_record(TINY, state, meter(monkeypatch), "a CPU")
    assert found.energy_joules is None and found.energy_method == "not measured in every epoch"


def test_a_layer_that_is_not_known_makes_the_arithmetic_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, "count_macs", lambda path: (None, ["strange"]))
    state = TrainState(SETTINGS, (EPOCH,), costs=(EpochCost(1.0, None, 1),))
    found = cost_record(TINY, state, meter(monkeypatch), "a CPU")
    assert (found.macs_per_sample, found.flops_per_step) == (None, None)
    assert "strange" in found.flops_method


def test_operations_of_a_step() -> None:
    assert flops_per_step(1000, 8) == 48_000


def test_the_first_epoch_counts_only_alone() -> None:
    assert samples_per_second([EpochCost(4.0, None, 1)], 100) == pytest.approx(25.0)
    assert samples_per_second([EpochCost(4.0, None, 1), EpochCost(1.0, None, 1)], 100) == pytest.approx(100.0)
