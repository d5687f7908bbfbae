"""Run artefacts wherever an agent can be started, each alone in a process that runs `agent.py`.

A new place needs a `Place` only. Machine, conditions, energy, pinning and the transport of arrays are the same for all.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgetool.artifact import digest_path, require_format
from edgetool.data.dataset import Array
from edgetool.errors import (
    DeviceUnavailableError,
    EdgetoolError,
    InterpreterCrashError,
    InterpreterTimeoutError,
    UnsupportedModelError,
    UsageError,
    from_dict,
)
from edgetool.records import Machine
from edgetool.runners.agent import RUNTIMES
from edgetool.runners.base import Device, RunPlan
from edgetool.runners.child import Child, call_function
from edgetool.runners.conditions import Conditions, read_conditions
from edgetool.runners.energy import EnergyCounter, open_counter
from edgetool.runners.machine import choose_cpus, machine_of, memory_limit_bytes
from edgetool.runners.place import Place
from edgetool.schema import to_builtins

__all__ = ["AgentRunner", "AgentSession"]

#: Of describing a machine or reading its files.
PROBE_TIMEOUT_S = 60.0


class AgentSession:
    """One artefact in an agent of its own; see `edgetool.runners.base.Session`. Use as a context manager.

    Args:
        place: where the agent runs.
        path: of the artefact, here.
        plan: how to run it.
        runtime: a value of `agent.RUNTIMES`.
        pin: CPUs to stay on.
        memory_bytes: of the machine.
    """

    def __init__(
        self, place: Place, path: Path, plan: RunPlan, runtime: str, *, pin: tuple[int, ...] = (), memory_bytes: int
    ) -> None:
        self.runtime = runtime
        self.plan = plan
        self.digest = digest_path(path)
        self._path = path
        self._place = place
        self._there = place.send(path, self.digest)
        self._child = Child(place.command(), subject=str(path), environment={"OPENBLAS_NUM_THREADS": "1"})
        # CUDA reserves far more address space than it uses.
        limit = memory_limit_bytes(memory_bytes) if plan.device == "cpu" else None
        try:
            loaded = self._call(
                "load",
                path=self._there,
                runtime=runtime,
                device=plan.device,
                num_threads=plan.num_threads,
                batch=plan.batch,
                kernels=plan.kernels,
                keep_state=plan.keep_state,
                whole_runs=plan.whole_runs,
                pin=pin,
                input_shapes=_timed_shapes(path, plan, runtime),
                memory_limit_bytes=limit,
            )
            self._require_same(str(loaded["digest"]))
        except BaseException:
            self._child.kill()
            raise
        self.load_ns: int | None = int(loaded["load_ns"])
        self.pinned_cpus: tuple[int, ...] = tuple(loaded["pinned_cpus"])
        self.node_providers: dict[str, int] = dict(loaded["node_providers"])

    def __enter__(self) -> AgentSession:
        return self

    def __exit__(self, *unused: object) -> None:
        self.close()

    def outputs(self, inputs: tuple[Array, ...], *, batch_size: int = 64) -> tuple[Array, ...]:
        """Run all samples and return the outputs, each `[N, ...]`; see `Session.outputs`."""
        with self._place.exchange() as exchange:
            names = [exchange.write(f"x{index}.npy", array) for index, array in enumerate(inputs)]
            written = self._call("outputs", inputs=names, outputs=exchange.prefix, batch_size=batch_size)
            return tuple(exchange.read(name) for name in written)

    def time(self, num_runs: int, *, num_warmup: int = 0) -> list[int]:
        """Return the latency of `num_runs` inferences of `plan.batch` samples, in nanoseconds."""
        return [int(value) for value in self._call("time", num_runs=num_runs, num_warmup=num_warmup)]

    def peak_rss_bytes(self) -> int | None:
        """Return the peak resident set of the agent (VmHWM), interpreter and Python included."""
        return int(self._call("memory"))

    def close(self) -> None:
        """End the agent."""
        self._child.close()

    def _call(self, method: str, **params: object) -> Any:
        try:
            return self._child.call(method, params, timeout_s=self.plan.timeout_s)
        except EdgetoolError as exc:
            raise self._named_here(exc) from None

    def _named_here(self, error: EdgetoolError) -> EdgetoolError:
        """Return an error that names the file of the user, not the copy of it at the place."""
        here = str(self._path.absolute())
        if self._there == here or self._there not in error.subject:
            return error
        return from_dict({**error.to_dict(), "subject": error.subject.replace(self._there, here)})

    def _require_same(self, loaded: str) -> None:
        """Refuse to go on with another file than the one that was asked for."""
        if loaded != self.digest:
            raise DeviceUnavailableError(
                str(self._path),
                found=f"a copy on {self._place.name} with SHA-256 {loaded[:16]}...",
                expected=f"{self.digest[:16]}..., the digest of the file here",
                next_step="run again; if it happens again, the connection or the disk there damages files",
            )


class AgentRunner:
    """A place where agents run artefacts; see `edgetool.runners.base.Runner`.

    All sessions of one runner with the same number of threads are pinned to the same CPUs, so that artefacts under
    comparison meet the same conditions.

    Args:
        place: where the agents run.
    """

    def __init__(self, place: Place) -> None:
        self.name = place.name
        self._place = place
        self._pins: dict[int, tuple[int, ...]] = {}
        self._observer: Child | None = None
        self._answer: dict[str, Any] | None = None
        self._machine: Machine | None = None

    def probe(self) -> Machine:
        """Describe the machine of the agents."""
        if self._machine is None:
            self._machine = machine_of(self._probed(), self.read_files)
        return self._machine

    def conditions(self) -> Conditions:
        """Return what the machine says about itself at this moment."""
        return read_conditions(self.read_files)

    def energy_counter(self, device: Device) -> EnergyCounter:
        """Return the machine's counter of energy."""
        return open_counter(device, read=self.read_files)

    def read_files(self, patterns: Sequence[str]) -> dict[str, str]:
        """Return path -> text of files of the machine; see `agent.read_files`."""
        answer = self._observe("files", patterns=list(patterns))
        return {str(path): str(text) for path, text in answer.items()}

    def open(self, path: Path, plan: RunPlan) -> AgentSession:
        """Load the `.tflite` or `.onnx` file at `path` in a fresh agent.

        Raises:
            MissingFileError: nothing is there.
            FileFormatError: not a model, or the runtime refused it.
            UsageError: reference kernels for a runtime that has none.
            UnsupportedModelError: a model of another format, or with operators that the runtime lacks.
            DeviceUnavailableError: the GPU or its provider is not there, or the machine cannot be reached.
            InterpreterCrashError: the interpreter died.
            InterpreterTimeoutError: no answer within `plan.timeout_s`.
        """
        runtime = _runtime_of(path, plan)
        pin = self._cpus(plan.num_threads) if plan.pin else ()
        return AgentSession(self._place, path, plan, runtime, pin=pin, memory_bytes=self._memory_bytes())

    def _memory_bytes(self) -> int:
        return self.probe().memory_bytes

    def _cpus(self, num_threads: int) -> tuple[int, ...]:
        if num_threads not in self._pins:
            self._pins[num_threads] = choose_cpus(num_threads, allowed=self._allowed_cpus(), read=self.read_files)
        return self._pins[num_threads]

    def _allowed_cpus(self) -> tuple[int, ...]:
        return tuple(int(cpu) for cpu in self._probed()["cpus"])

    def _probed(self) -> dict[str, Any]:
        if self._answer is None:
            self._answer = dict(self._observe("probe"))
        return self._answer

    def _observe(self, method: str, **params: object) -> Any:
        """Ask an agent that holds no model; it lives as long as this runner.

        Raises:
            DeviceUnavailableError: it does not start or does not answer.
        """
        if self._observer is None:
            self._observer = Child(self._place.command(), subject=self.name)
            weakref.finalize(self, self._observer.close)
        try:
            return self._observer.call(method, params, timeout_s=PROBE_TIMEOUT_S)
        except (InterpreterCrashError, InterpreterTimeoutError) as exc:
            raise DeviceUnavailableError(
                self.name,
                found=exc.found,
                expected="an agent that starts there and answers",
                next_step="check that the device is reachable and has Python with NumPy and the model's runtime",
            ) from None


def _runtime_of(path: Path, plan: RunPlan) -> str:
    """Return the runtime of a model file.

    Raises:
        UnsupportedModelError, UsageError: see `AgentRunner.open`.
    """
    kind = require_format(path)
    runtime = RUNTIMES.get(kind)
    if runtime is None:
        raise UnsupportedModelError(
            str(path),
            found=f"a model of format {kind!r}",
            expected="a .tflite or .onnx file",
            next_step="export it first: edgetool export MODEL -o model.tflite",
        )
    if plan.kernels == "reference" and runtime != "litert":
        raise UsageError(
            "--kernels",
            found=f"reference kernels asked for {path.name}",
            expected="a .tflite file: only LiteRT has reference kernels",
            next_step="leave --kernels out for .onnx files",
        )
    return runtime


def _timed_shapes(path: Path, plan: RunPlan, runtime: str) -> dict[str, tuple[int, ...]]:
    """Return input name -> shape that an `.onnx` file is timed with, where the plan gives any."""
    if not plan.input_shapes or runtime != "onnxruntime":
        return {}
    params = {"path": str(path), "input_shapes": to_builtins(plan.input_shapes)}
    shapes: dict[str, tuple[int, ...]] = call_function("edgetool.ir.summary:fixed_shapes", params, subject=str(path))
    return shapes
