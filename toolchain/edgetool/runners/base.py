"""The contract of a runner: a place where an artefact runs (child process, ssh, serial, QEMU, browser)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from edgetool.data.dataset import Array
from edgetool.ir.input_shapes import InputShape
from edgetool.records import Machine
from edgetool.runners.conditions import Conditions
from edgetool.runners.energy import EnergyCounter

__all__ = ["Device", "RunPlan", "Runner", "Session"]

Device = Literal["cpu", "gpu"]


@dataclass(frozen=True, slots=True)
class RunPlan:
    """How to run one artefact.

    Attributes:
        device: `cpu`, or `gpu` (onnxruntime's CUDA provider; no silent fall-back).
        num_threads: intra-op threads.
        batch: samples of one inference.
        kernels: LiteRT's default kernels (XNNPACK), its reference kernels, or its own fast ones (`builtin`).
        keep_state: go on where the sample before ended, as a stream does; else states of operators begin anew.
        whole_runs: each sample is one inference of a `.tflite` file, whose tensors may have no axis for samples.
        pin: pin the process to as many CPUs as it has threads, where the system allows.
        input_shapes: of `.onnx` files that leave sizes open: what inputs are timed with.
        timeout_s: of one call; None: wait for ever.
    """

    device: Device = "cpu"
    num_threads: int = 1
    batch: int = 1
    kernels: Literal["default", "reference", "builtin"] = "default"
    keep_state: bool = False
    whole_runs: bool = False
    pin: bool = False
    timeout_s: float | None = None
    input_shapes: tuple[InputShape, ...] = ()


class Session(Protocol):
    """One artefact that is loaded where its runner is, alone in its process.

    Every place tells what it has loaded (by digest, because a path means nothing elsewhere), the outputs and the
    latency. Whatever else a place cannot tell is None or empty.

    Attributes:
        digest: SHA-256 of the artefact, as it was computed where it runs.
        runtime: what runs it, for example `litert`.
        load_ns: how long loading took.
        pinned_cpus: CPUs that its process stays on.
        node_providers: ONNX nodes per execution provider.
    """

    digest: str
    runtime: str
    load_ns: int | None
    pinned_cpus: tuple[int, ...]
    node_providers: dict[str, int]

    def outputs(self, inputs: tuple[Array, ...], *, batch_size: int = 64) -> tuple[Array, ...]:
        """Run all samples and return the outputs, each `[N, ...]`.

        Real-valued inputs of a quantised model are quantised by its own scale and zero point, and its outputs
        dequantised; integer inputs of the model's own type are taken as they are.

        Raises:
            DataError: shape or dtype does not fit the model.
            InterpreterCrashError: the interpreter died.
        """

    def time(self, num_runs: int, *, num_warmup: int = 0) -> list[int]:
        """Run `num_runs` inferences of `plan.batch` samples and return each one's latency in nanoseconds."""

    def peak_rss_bytes(self) -> int | None:
        """Return the peak resident set of the process so far; None where the place does not tell."""

    def close(self) -> None:
        """End the process."""


class Runner(Protocol):
    """A place where artefacts run. What measured, and under which conditions, is asked here and nowhere else."""

    name: str

    def probe(self) -> Machine:
        """Describe the machine that artefacts run on: CPU, instruction sets, runtimes with versions, GPU.

        Raises:
            DeviceUnavailableError: it cannot be reached.
        """

    def conditions(self) -> Conditions:
        """Return the load, heat and clocks of that machine at this moment, as far as it tells them."""

    def energy_counter(self, device: Device) -> EnergyCounter:
        """Return the counter of energy of that machine; one that measures nothing where it has none."""

    def open(self, path: Path, plan: RunPlan) -> Session:
        """Load an artefact there.

        Raises:
            FileFormatError: the runtime refused the file.
            DeviceUnavailableError: the device of the plan is not there.
            InterpreterCrashError: the interpreter died while loading.
        """
