"""Counters of energy, with folders and modules that stand for those of the system."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgetool.runners.energy import NOT_MEASURED, NvmlCounter, open_counter


def zone(folder: Path, name: str, label: str, energy_uj: int, limit: int = 1_000_000) -> Path:
    path = folder / name
    path.mkdir()
    (path / "name").write_text(f"{label}\n")
    (path / "energy_uj").write_text(f"{energy_uj}\n")
    (path / "max_energy_range_uj").write_text(f"{limit}\n")
    return path


def test_without_counters_nothing_is_claimed(tmp_path: Path) -> None:
    counter = open_counter("cpu", powercap=str(tmp_path))
    assert counter.read_joules() is None
    assert counter.method == NOT_MEASURED


def test_rapl_adds_up_packages_only(tmp_path: Path) -> None:
    package = zone(tmp_path, "intel-rapl:0", "package-0", 100)
    other = zone(tmp_path, "intel-rapl:1", "package-1", 100)
    zone(tmp_path, "intel-rapl:0:0", "core", 100)
    zone(tmp_path, "intel-rapl:2", "psys", 100)
    counter = open_counter("cpu", powercap=str(tmp_path))
    assert "measured by RAPL, 2 whole CPU package" in counter.method
    (package / "energy_uj").write_text("400100")
    (other / "energy_uj").write_text("200100")
    assert counter.read_joules() == pytest.approx(0.6)
    (package / "energy_uj").unlink()
    assert counter.read_joules() is None


def test_rapl_counter_that_wraps_around(tmp_path: Path) -> None:
    package = zone(tmp_path, "intel-rapl:0", "package-0", 900_000)
    counter = open_counter("cpu", powercap=str(tmp_path))
    (package / "energy_uj").write_text("100000")
    assert counter.read_joules() == pytest.approx(0.2)


def test_rapl_that_only_root_may_read_is_not_measured(tmp_path: Path) -> None:
    (zone(tmp_path, "intel-rapl:0", "package-0", 1) / "energy_uj").unlink()
    assert open_counter("cpu", powercap=str(tmp_path)).method == NOT_MEASURED


def test_counters_of_another_machine_are_read_there() -> None:
    texts = {"/p/intel-rapl:0/name": "package-0", "/p/intel-rapl:0/energy_uj": "5"}
    texts["/p/intel-rapl:0/max_energy_range_uj"] = "100"
    counter = open_counter("cpu", read=lambda patterns: texts, powercap="/p")
    texts["/p/intel-rapl:0/energy_uj"] = "25"
    assert counter.read_joules() == pytest.approx(20e-6)
    assert open_counter("gpu", read=lambda patterns: texts).method == NOT_MEASURED


class FakeNvml:
    class NVMLError(Exception):
        pass

    def __init__(self, *millijoules: int) -> None:
        self.millijoules = list(millijoules)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:  # noqa: N802 - NVML's name
        return index

    def nvmlDeviceGetTotalEnergyConsumption(self, handle: int) -> int:  # noqa: N802 - NVML's name
        if not self.millijoules:
            raise self.NVMLError
        return self.millijoules.pop(0)


def test_nvml_counts_millijoules_and_survives_its_errors() -> None:
    counter = NvmlCounter(FakeNvml(1000))
    assert [counter.read_joules(), counter.read_joules()] == [1.0, None]


def test_several_gpus_are_added_up() -> None:
    counter = NvmlCounter(FakeNvml(1000, 2000), num_gpus=2)
    assert counter.read_joules() == 3.0
    assert "2 whole GPU boards" in counter.method
