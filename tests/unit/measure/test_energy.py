from __future__ import annotations

from pathlib import Path

import pytest

from edgetool.measure.energy import NOT_MEASURED, EnergyMeter, NvmlMeter, open_meter


def zone(folder: Path, name: str, label: str, energy_uj: int, limit: int = 1_000_000) -> Path:
    path = folder / name
    path.mkdir()
    (path / "name").write_text(f"{label}\n")
    (path / "energy_uj").write_text(f"{energy_uj}\n")
    (path / "max_energy_range_uj").write_text(f"{limit}\n")
    return path


def test_without_counters_nothing_is_claimed(tmp_path: Path) -> None:
    meter = open_meter("cpu", powercap=tmp_path)
    with meter.counting("a", 10):
        pass
    assert meter.joules_per_run("a") is None
    assert meter.method == NOT_MEASURED


def test_rapl_adds_up_packages_only_and_divides_by_runs(tmp_path: Path) -> None:
    package = zone(tmp_path, "intel-rapl:0", "package-0", 100)
    zone(tmp_path, "intel-rapl:0:0", "core", 100)
    zone(tmp_path, "intel-rapl:1", "psys", 100)
    meter = open_meter("cpu", powercap=tmp_path)
    assert "measured by RAPL, 1 whole CPU package" in meter.method
    with meter.counting("a", 4):
        (package / "energy_uj").write_text("400100")
    with meter.counting("a", 4):
        (package / "energy_uj").write_text("800100")
    with meter.counting("b", 1):
        pass
    assert meter.joules_per_run("a") == pytest.approx(0.1)
    assert meter.joules_per_run("b") == 0.0
    assert meter.joules_per_run("c") is None


def test_rapl_counter_that_wraps_around(tmp_path: Path) -> None:
    package = zone(tmp_path, "intel-rapl:0", "package-0", 900_000)
    meter = open_meter("cpu", powercap=tmp_path)
    with meter.counting("a", 1):
        (package / "energy_uj").write_text("100000")
    assert meter.joules_per_run("a") == pytest.approx(0.2)


def test_rapl_that_only_root_may_read_is_not_measured(tmp_path: Path) -> None:
    (zone(tmp_path, "intel-rapl:0", "package-0", 1) / "energy_uj").unlink()
    assert open_meter("cpu", powercap=tmp_path).method == NOT_MEASURED


class FakeNvml:
    class NVMLError(Exception):
        pass

    def __init__(self) -> None:
        self.millijoules = [1000, 3000]

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:  # noqa: N802 - NVML's name
        return index

    def nvmlDeviceGetTotalEnergyConsumption(self, handle: int) -> int:  # noqa: N802 - NVML's name
        if not self.millijoules:
            raise self.NVMLError
        return self.millijoules.pop(0)


def test_nvml_counts_millijoules_and_survives_its_errors() -> None:
    meter: EnergyMeter = NvmlMeter(FakeNvml())
    with meter.counting("a", 2):
        pass
    with meter.counting("a", 2):
        pass
    assert meter.joules_per_run("a") == 1.0


def test_several_gpus_are_added_up() -> None:
    fake = FakeNvml()
    fake.millijoules = [1000, 2000, 4000, 8000]
    meter: EnergyMeter = NvmlMeter(fake, num_gpus=2)
    with meter.counting("a", 1):
        pass
    assert meter.joules_per_run("a") == 9.0
    assert "2 whole GPU boards" in meter.method
