"""Energy, where the hardware counts it; never estimated.

CPU: Intel's and AMD's RAPL counters of whole packages, through Linux's powercap (Documentation/power/powercap). GPU:
NVML's counter of the whole board. Both count everything that ran meanwhile, idle power included.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

__all__ = ["NOT_MEASURED", "EnergyMeter", "NvmlMeter", "RaplMeter", "open_meter"]

NOT_MEASURED = "not measured: no readable RAPL or NVML energy counter"

POWERCAP = Path("/sys/class/powercap")


class EnergyMeter:
    """Adds up the energy used inside `with meter.counting(...)` blocks, for each key."""

    method = NOT_MEASURED

    def __init__(self) -> None:
        self._joules: dict[str, float] = {}
        self._runs: dict[str, int] = {}

    def read_joules(self) -> float | None:
        """Return the counter; None: there is none."""
        return None

    @contextlib.contextmanager
    def counting(self, key: str, num_runs: int) -> Iterator[None]:
        """Add what is used inside to `key`, for `num_runs` inferences."""
        before = self.read_joules()
        yield
        after = self.read_joules()
        if before is not None and after is not None and after >= before:
            self._joules[key] = self._joules.get(key, 0.0) + after - before
            self._runs[key] = self._runs.get(key, 0) + num_runs

    def joules_per_run(self, key: str) -> float | None:
        """Return the mean energy of one inference of `key`; None where nothing was measured."""
        return self._joules[key] / self._runs[key] if self._runs.get(key) else None


class RaplMeter(EnergyMeter):
    """CPU packages through RAPL.

    Args:
        zones: the powercap folders of the packages.
    """

    def __init__(self, zones: list[Path]) -> None:
        super().__init__()
        self.method = f"measured by RAPL, {len(zones)} whole CPU package(s), idle power included"
        self._zones = zones
        self._last = [self._read(zone / "energy_uj") for zone in zones]
        self._ranges = [self._read(zone / "max_energy_range_uj") for zone in zones]
        self._total_uj = 0

    def read_joules(self) -> float | None:
        """Return the energy since the meter was opened; wrap-arounds of the counters are made good."""
        try:
            now = [self._read(zone / "energy_uj") for zone in self._zones]
        except (OSError, ValueError):
            return None
        for last, value, limit in zip(self._last, now, self._ranges, strict=True):
            self._total_uj += value - last if value >= last else value + limit - last
        self._last = now
        return self._total_uj / 1e6

    @staticmethod
    def _read(path: Path) -> int:
        return int(path.read_text(encoding="ascii"))


class NvmlMeter(EnergyMeter):
    """GPUs through NVML.

    Args:
        pynvml: the module of nvidia-ml-py, initialised.
        num_gpus: the first so many.
    """

    def __init__(self, pynvml: Any, num_gpus: int = 1) -> None:
        super().__init__()
        boards = "whole GPU board" if num_gpus == 1 else f"{num_gpus} whole GPU boards"
        self.method = f"measured by NVML, {boards}, idle power included"
        self._pynvml = pynvml
        self._handles = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(num_gpus)]

    def read_joules(self) -> float | None:
        """Return the sum of the boards' counters."""
        try:
            millijoules = [self._pynvml.nvmlDeviceGetTotalEnergyConsumption(handle) for handle in self._handles]
        except self._pynvml.NVMLError:
            return None
        return float(sum(millijoules)) / 1e3


def open_meter(device: Literal["cpu", "gpu"], *, powercap: Path = POWERCAP, num_gpus: int = 1) -> EnergyMeter:
    """Return a meter for the device; one that measures nothing where no counter can be read.

    Args:
        device: what runs the model.
        powercap: Linux's folder of power zones.
        num_gpus: that run it.
    """
    if device == "gpu":
        return _open_nvml(num_gpus) or EnergyMeter()
    zones = []
    for zone in sorted(powercap.glob("*-rapl:[0-9]*")):
        with contextlib.suppress(OSError, ValueError):
            if zone.name.count(":") == 1 and (zone / "name").read_text(encoding="ascii").startswith("package"):
                int((zone / "energy_uj").read_text(encoding="ascii"))  # readable by root only on most systems
                int((zone / "max_energy_range_uj").read_text(encoding="ascii"))
                zones.append(zone)
    return RaplMeter(zones) if zones else EnergyMeter()


def _open_nvml(num_gpus: int) -> EnergyMeter | None:
    try:
        import pynvml
    except ImportError:
        return None
    try:
        pynvml.nvmlInit()
        meter = NvmlMeter(pynvml, num_gpus)
    except pynvml.NVMLError:
        return None
    return meter if meter.read_joules() is not None else None
