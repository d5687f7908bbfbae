"""Counters of energy, where the hardware has them; energy is never estimated.

CPU: Intel's and AMD's RAPL counters of whole packages, through Linux's powercap (Documentation/power/powercap). GPU:
NVML's counter of the whole board. Both count everything that ran meanwhile, idle power included.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Literal

from edgetool.runners.agent import read_files
from edgetool.runners.conditions import ReadFiles

__all__ = ["NOT_MEASURED", "EnergyCounter", "NvmlCounter", "RaplCounter", "open_counter"]

NOT_MEASURED = "not measured: no readable RAPL or NVML energy counter"

POWERCAP = "/sys/class/powercap"
ENERGY, LIMIT = "energy_uj", "max_energy_range_uj"


class EnergyCounter:
    """A counter of energy that only grows. This one measures nothing.

    Attributes:
        method: what measures, or that nothing does.
    """

    method = NOT_MEASURED

    def read_joules(self) -> float | None:
        """Return what the counter shows; None: nothing can be read."""
        return None


class RaplCounter(EnergyCounter):
    """CPU packages through RAPL.

    Args:
        zones: the powercap folders of the packages.
        read: reads files of the machine.
    """

    def __init__(self, zones: Sequence[str], read: ReadFiles = read_files) -> None:
        self.method = f"measured by RAPL, {len(zones)} whole CPU package(s), idle power included"
        self._read = read
        self._zones = zones
        self._last = self._values(ENERGY)
        self._ranges = self._values(LIMIT)
        self._total_uj = 0

    def read_joules(self) -> float | None:
        """Return the energy since the counter was opened; wrap-arounds of the hardware's are made good."""
        try:
            now = self._values(ENERGY)
        except (KeyError, ValueError):
            return None
        for last, value, limit in zip(self._last, now, self._ranges, strict=True):
            self._total_uj += value - last if value >= last else value + limit - last
        self._last = now
        return self._total_uj / 1e6

    def _values(self, name: str) -> list[int]:
        paths = [f"{zone}/{name}" for zone in self._zones]
        texts = self._read(paths)
        return [int(texts[path]) for path in paths]


class NvmlCounter(EnergyCounter):
    """GPUs through NVML.

    Args:
        pynvml: the module of nvidia-ml-py, initialised.
        num_gpus: the first so many.
    """

    def __init__(self, pynvml: ModuleType, num_gpus: int = 1) -> None:
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


def open_counter(
    device: Literal["cpu", "gpu"], *, read: ReadFiles = read_files, powercap: str = POWERCAP, num_gpus: int = 1
) -> EnergyCounter:
    """Return a counter for the device; one that measures nothing where no counter can be read.

    Args:
        device: what runs the model.
        read: reads files of the machine; default: of this one, whose GPUs alone can be asked.
        powercap: Linux's folder of power zones.
        num_gpus: that run it.
    """
    if device == "gpu":
        counter = _open_nvml(num_gpus) if read is read_files else None
        return counter or EnergyCounter()
    texts = read([f"{powercap}/*-rapl:[0-9]*/{name}" for name in ("name", ENERGY, LIMIT)])
    zones = sorted({path.rpartition("/")[0] for path in texts})
    packages = [zone for zone in zones if _is_package(zone, texts)]
    return RaplCounter(packages, read) if packages else EnergyCounter()


def _is_package(zone: str, texts: Mapping[str, str]) -> bool:
    """Tell a whole package whose counter can be read, which is root's alone on most systems."""
    if zone.rpartition("/")[2].count(":") != 1 or not texts.get(f"{zone}/name", "").startswith("package"):
        return False
    return all(texts.get(f"{zone}/{name}", "").strip().isdigit() for name in (ENERGY, LIMIT))


def _open_nvml(num_gpus: int) -> EnergyCounter | None:
    try:
        import pynvml
    except ImportError:
        return None
    try:
        pynvml.nvmlInit()
        counter = NvmlCounter(pynvml, num_gpus)
    except pynvml.NVMLError:
        return None
    return counter if counter.read_joules() is not None else None
