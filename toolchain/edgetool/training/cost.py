"""What training takes: time, memory, energy, arithmetic."""

from __future__ import annotations

import contextlib
import re
import resource
from collections.abc import Sequence
from pathlib import Path

from edgetool.ir.keras import read_keras
from edgetool.runners.energy import open_counter
from edgetool.training.backends import Devices
from edgetool.training.record import CostRecord, EpochCost, TrainState

__all__ = ["CostMeter", "cost_record", "count_macs", "flops_per_step", "samples_per_second"]

FLOPS_METHOD = (
    "estimate: 2 operations a multiply-accumulate, times 3 for the forward pass and a backward pass of twice its work, "
    "times the batch size; optimizer and element-wise work not counted"
)


class CostMeter:
    """Measures epoch by epoch what a resumed run must add up.

    Args:
        devices: whose memory and energy count.
    """

    def __init__(self, devices: Devices) -> None:
        self._devices = devices
        self._energy = open_counter(devices.kind, num_gpus=devices.num_devices)
        self._joules: float | None = None

    @property
    def energy_method(self) -> str:
        """By what energy is measured, or that it is not."""
        return self._energy.method

    @property
    def memory_method(self) -> str:
        """What the peak of memory is a peak of."""
        if self._devices.kind == "gpu":
            return "allocated by the backend on the fullest GPU"
        return "resident set size of the training process, data and libraries included"

    def begin_epoch(self) -> None:
        """Read the counter of energy."""
        self._joules = self._energy.read_joules()

    def end_epoch(self, train_seconds: float) -> EpochCost:
        """Return what the epoch took.

        Args:
            train_seconds: wall time of its steps.
        """
        before, after = self._joules, self._energy.read_joules()
        return EpochCost(
            train_seconds=train_seconds,
            energy_joules=after - before if before is not None and after is not None and after >= before else None,
            peak_memory_bytes=self._peak_memory(),
        )

    def _peak_memory(self) -> int:
        on_device = self._devices.peak_memory()
        if on_device is not None:
            return on_device
        return _peak_resident_bytes()


def cost_record(model: Path, state: TrainState, meter: CostMeter, device: str) -> CostRecord:
    """Add up the costs of all epochs, those before a resume included.

    Args:
        model: the trained `.keras` file, whose layers are counted.
        state: The state of the finished run.
        meter: says how was measured.
        device: the model of the CPU or GPU.
    """
    settings, costs = state.settings, state.costs
    macs, unknown = count_macs(model)
    joules = [cost.energy_joules for cost in costs if cost.energy_joules is not None]
    whole = len(joules) == len(costs)
    method = FLOPS_METHOD if not unknown else f"unknown: no count of the products of {', '.join(unknown[:5])}"
    return CostRecord(
        seconds=sum(epoch.seconds for epoch in state.history),
        device=device,
        num_devices=settings.num_devices,
        peak_memory_bytes=max(cost.peak_memory_bytes for cost in costs),
        peak_memory_method=meter.memory_method,
        energy_joules=sum(joules) if whole else None,
        energy_method=meter.energy_method if whole or not joules else "not measured in every epoch",
        macs_per_sample=macs,
        flops_per_step=None if macs is None else flops_per_step(macs, settings.batch_size),
        flops_method=method,
        samples_per_second=samples_per_second(costs, settings.num_train_samples),
    )


def count_macs(model: Path) -> tuple[int | None, list[str]]:
    """Return the multiply-accumulates of one forward pass, and the layers of which they are not known.

    Args:
        model: a `.keras` file.
    """
    layers = read_keras(model, "keras").layers
    unknown = [layer.name for layer in layers if layer.macs is None]
    return (None if unknown else sum(layer.macs or 0 for layer in layers)), unknown


def _peak_resident_bytes() -> int:
    """Return the peak resident set of this process alone: getrusage's also knows that of the process it came from."""
    with contextlib.suppress(OSError):
        match = re.search(r"^VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"), re.MULTILINE)
        if match:
            return int(match.group(1)) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # KiB on Linux: getrusage(2)


def flops_per_step(macs: int, batch_size: int) -> int:
    """Return the floating-point operations of a training step by the rule of `FLOPS_METHOD`.

    The backward pass computes two products, towards inputs and towards weights, for each of the forward pass (Kaplan
    et al. 2020, Scaling Laws for Neural Language Models, section 2.1).
    """
    return 2 * macs * 3 * batch_size


def samples_per_second(costs: Sequence[EpochCost], num_samples: int) -> float:
    """Return the samples that were trained on in a second; beside others, the first epoch, which compiles, is left out.

    Args:
        costs: one an epoch, at least one.
        num_samples: The number of samples in an epoch.
    """
    counted = costs[1:] or costs
    return len(counted) * num_samples / max(1e-9, sum(cost.train_seconds for cost in counted))
