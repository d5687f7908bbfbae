"""A board that QEMU emulates, as a runner: a `.tflite` file becomes C, firmware, outputs and counted instructions."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from edgetool.artifact import digest_path
from edgetool.data.dataset import Array
from edgetool.embed.boards.firmware import FirmwareRun, require_runnable, run_firmware, run_outputs
from edgetool.embed.bundles.c_bundle import write_bundle
from edgetool.embed.compiler.pipeline import lower_file
from edgetool.embed.oracle.vectors import quantize_inputs, random_inputs
from edgetool.embed.program import sample_shape
from edgetool.errors import ParityError
from edgetool.ir.graph import Tensor
from edgetool.records import Machine
from edgetool.runners.base import Device, RunPlan
from edgetool.runners.conditions import Conditions
from edgetool.runners.energy import EnergyCounter
from edgetool.runners.program import run_text
from edgetool.targets import Target

__all__ = ["QemuRunner", "QemuSession", "emulated_board"]

#: Prefix of what the header of a bundle declares.
NAME = "net"
#: Inputs that instructions are counted on.
NUM_VECTORS = 4
VERSION_TIMEOUT_S = 60.0


class QemuSession:
    """A model as firmware of an emulated board; see `edgetool.runners.base.Session`.

    Args:
        path: a `.tflite` file.
        plan: whether states of operators go on from sample to sample; nothing else of it means anything here.
        target: the board.
    """

    runtime = "c"
    pinned_cpus: tuple[int, ...] = ()

    def __init__(self, path: Path, plan: RunPlan, target: Target) -> None:
        self.digest = digest_path(path)
        self.load_ns: int | None = None
        self.node_providers: dict[str, int] = {}
        self._path = path
        self._plan = plan
        self._target = target
        self._program = lower_file(path)
        self._measured: FirmwareRun | None = None

    def outputs(self, inputs: tuple[Array, ...], *, batch_size: int = 64) -> tuple[Array, ...]:
        """Run all samples on the board, so many in one firmware, and return the outputs, each `[N, ...]`."""
        stored = self._stored(inputs)
        rows = [row for part in self._parts(stored, batch_size) for row in self._run(part)]
        num_outputs = len(self._program.outputs)
        tensors = [self._program.tensors[name] for name in self._program.outputs]
        return tuple(_array(rows[index::num_outputs], tensor) for index, tensor in enumerate(tensors))

    def time(self, num_runs: int, *, num_warmup: int = 0) -> list[int]:
        """Return an inference's instructions, one a nanosecond of QEMU's clock; every run takes as many.

        QEMU counts instructions. It is no model of a core's time.

        Raises:
            ParityError: the board's outputs are not those of LiteRT's reference kernels.
        """
        del num_warmup  # the count of an inference does not change
        return [self._measure().num_instructions] * num_runs

    def peak_rss_bytes(self) -> int | None:
        """Return the RAM that the firmware uses: arena, other static data, and the peak of the stack."""
        return self._measure().ram_bytes

    def close(self) -> None:
        """Do nothing: no firmware runs between calls."""

    def _stored(self, inputs: tuple[Array, ...]) -> tuple[Array, ...]:
        """Return inputs as the model stores them; those that have its type are taken as they are."""
        tensors = [self._program.tensors[name] for name in self._program.inputs]
        is_stored = [array.dtype == tensor.dtype for array, tensor in zip(inputs, tensors, strict=True)]
        return inputs if all(is_stored) else quantize_inputs(self._program, inputs)

    def _parts(self, inputs: tuple[Array, ...], batch_size: int) -> Iterator[tuple[Array, ...]]:
        """Yield the samples of each firmware; its first sample begins with fresh states."""
        num_samples = len(inputs[0])
        step = batch_size
        if self._program.states:
            step = num_samples if self._plan.keep_state else 1
        for start in range(0, num_samples, step):
            yield tuple(array[start : start + step] for array in inputs)

    def _run(self, inputs: tuple[Array, ...]) -> list[bytes]:
        with tempfile.TemporaryDirectory(prefix="edgetool-") as folder:
            bundle = self._write(Path(folder), inputs)
            return run_outputs(bundle, NAME, self._program, self._target)

    def _measure(self) -> FirmwareRun:
        if self._measured is None:
            inputs = random_inputs(self._program, NUM_VECTORS)
            with tempfile.TemporaryDirectory(prefix="edgetool-") as folder:
                bundle = self._write(Path(folder), inputs)
                self._measured = run_firmware(bundle, NAME, self._program, self._target)
            _require_right(self._path, self._measured)
        return self._measured

    def _write(self, folder: Path, inputs: tuple[Array, ...]) -> Path:
        bundle = folder / "bundle"
        write_bundle(self._path, name=NAME, out=bundle, target=self._target, overwrite=False, inputs=inputs)
        return bundle


class QemuRunner:
    """A board that QEMU emulates; see `edgetool.runners.base.Runner`.

    Args:
        target: with the runner `qemu`.
    """

    name = "qemu"

    def __init__(self, target: Target) -> None:
        self._target = target

    def probe(self) -> Machine:
        """Describe the emulated board: what its target states, and the version of QEMU."""
        require_runnable(self._target)
        assert self._target.qemu is not None
        emulator = self._target.qemu.emulator
        version = run_text([emulator, "--version"], timeout_s=VERSION_TIMEOUT_S).stdout.partition("\n")[0]
        return Machine(
            system=f"QEMU machine {self._target.qemu.machine}",
            cpu=self._target.title,
            num_cpus=self._target.num_cores or 1,
            isa=(self._target.isa,),
            memory_bytes=self._target.ram_bytes or 0,
            gpu="",
            python="",
            versions={emulator: version.rpartition(" version ")[2]},
        )

    def conditions(self) -> Conditions:
        """Return no conditions: counts of instructions do not depend on any."""
        return Conditions()

    def energy_counter(self, _device: Device) -> EnergyCounter:
        """Return a counter that measures nothing."""
        return EnergyCounter()

    def open(self, path: Path, plan: RunPlan) -> QemuSession:
        """Compile the `.tflite` file at `path` for the board.

        Raises:
            MissingDependencyError: compiler or emulator are not installed.
            FileFormatError, UnsupportedModelError: see `lower_file`.
        """
        require_runnable(self._target)
        return QemuSession(path, plan, self._target)


def emulated_board(target: Target) -> QemuRunner:
    """Return the runner of a target with the runner `qemu`."""
    return QemuRunner(target)


def _array(rows: list[bytes], tensor: Tensor) -> Array:
    """Return real values `[N, ...]` of what the board printed of one output, sample by sample."""
    stored = np.frombuffer(b"".join(rows), tensor.dtype).reshape(len(rows), *sample_shape(tensor))
    if tensor.quantization is None or stored.dtype.kind not in "iu":
        return stored
    scale, zero_point = tensor.quantization.scale[0], tensor.quantization.zero_point[0]
    return ((stored.astype(np.float64) - zero_point) * scale).astype(np.float32)


def _require_right(path: Path, measured: FirmwareRun) -> None:
    """Refuse to give a count of wrong outputs."""
    if measured.num_failed or not measured.arena_is_whole:
        raise ParityError(
            str(path),
            found=f"other outputs for {measured.num_failed} of {measured.num_vectors} inputs on {measured.target}",
            expected="the outputs of LiteRT's reference kernels, and an arena that nothing writes beyond",
            next_step="report it as a defect of edgetool",
        )
