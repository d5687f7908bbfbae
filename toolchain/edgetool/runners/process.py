"""Run artefacts on this machine, each alone in a child process that runs `agent.py`."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from edgetool.artifact import require_format
from edgetool.data.dataset import Array
from edgetool.errors import UnsupportedModelError, UsageError
from edgetool.records import Machine
from edgetool.runners import agent
from edgetool.runners.base import RunPlan
from edgetool.runners.child import Child, call_function
from edgetool.runners.machine import choose_cpus, describe_machine, memory_limit_bytes
from edgetool.schema import to_builtins
from edgetool.store.atomic import save_array
from edgetool.targets import Target

__all__ = ["ProcessRunner", "ProcessSession", "this_machine"]


class ProcessSession:
    """One artefact in a child process of its own; see `edgetool.runners.base.Session`. Use as a context manager."""

    def __init__(self, path: Path, plan: RunPlan, runtime: str, *, pin: tuple[int, ...] = ()) -> None:
        self.runtime = runtime
        self.plan = plan
        self._path = path
        argv = [sys.executable, "-P", str(Path(agent.__file__))]
        self._child = Child(argv, subject=str(path), environment={"OPENBLAS_NUM_THREADS": "1"})
        try:
            loaded = self._call(
                "load",
                path=str(path.absolute()),
                runtime=runtime,
                device=plan.device,
                num_threads=plan.num_threads,
                batch=plan.batch,
                kernels=plan.kernels,
                keep_state=plan.keep_state,
                whole_runs=plan.whole_runs,
                pin=pin,
                input_shapes=_timed_shapes(path, plan, runtime),
                # CUDA reserves far more address space than it uses.
                memory_limit_bytes=memory_limit_bytes() if plan.device == "cpu" else None,
            )
        except BaseException:
            self._child.kill()
            raise
        self.load_ns = int(loaded["load_ns"])
        self.pinned_cpus: tuple[int, ...] = tuple(loaded["pinned_cpus"])
        self.node_providers: dict[str, int] = dict(loaded["node_providers"])

    def __enter__(self) -> ProcessSession:
        return self

    def __exit__(self, *unused: object) -> None:
        self.close()

    def outputs(self, inputs: tuple[Array, ...], *, batch_size: int = 64) -> tuple[Array, ...]:
        """Run all samples and return the outputs, each `[N, ...]`; see `Session.outputs`."""
        with tempfile.TemporaryDirectory(prefix="edgetool-") as folder:
            names = [os.path.join(folder, f"x{index}.npy") for index in range(len(inputs))]  # noqa: PTH118
            for name, array in zip(names, inputs, strict=True):
                save_array(Path(name), array)
            prefix = os.path.join(folder, "y")  # noqa: PTH118
            written = self._call("outputs", inputs=names, outputs=prefix, batch_size=batch_size)
            return tuple(np.load(name, allow_pickle=False) for name in written)

    def time(self, num_runs: int, *, num_warmup: int = 0) -> list[int]:
        """Return the latency of `num_runs` inferences of `plan.batch` samples, in nanoseconds."""
        return [int(value) for value in self._call("time", num_runs=num_runs, num_warmup=num_warmup)]

    def peak_rss_bytes(self) -> int:
        """Return the peak resident set of the child (VmHWM), interpreter and Python included."""
        return int(self._call("memory"))

    def close(self) -> None:
        """End the child."""
        self._child.close()

    def _call(self, method: str, **params: object) -> Any:
        return self._child.call(method, params, timeout_s=self.plan.timeout_s)


def _timed_shapes(path: Path, plan: RunPlan, runtime: str) -> dict[str, tuple[int, ...]]:
    """Return input name -> shape that an `.onnx` file is timed with, where the plan gives any."""
    if not plan.input_shapes or runtime != "onnxruntime":
        return {}
    params = {"path": str(path), "input_shapes": to_builtins(plan.input_shapes)}
    shapes: dict[str, tuple[int, ...]] = call_function("edgetool.ir.summary:fixed_shapes", params, subject=str(path))
    return shapes


class ProcessRunner:
    """This machine. The `Runner` of `host`.

    All sessions of one runner with the same number of threads are pinned to the same CPUs, so that artefacts under
    comparison meet the same conditions.
    """

    name = "process"

    def __init__(self) -> None:
        self._cpus: dict[int, tuple[int, ...]] = {}

    def probe(self) -> Machine:
        """Describe this machine."""
        return describe_machine()

    def open(self, path: Path, plan: RunPlan) -> ProcessSession:
        """Load the `.tflite` or `.onnx` file at `path` in a fresh child.

        Raises:
            MissingFileError: nothing is there.
            FileFormatError: not a model, or the runtime refused it.
            UsageError: reference kernels for a runtime that has none.
            UnsupportedModelError: a model of another format, or with operators that the runtime lacks.
            DeviceUnavailableError: the GPU or its provider is not there.
            InterpreterCrashError: the interpreter died.
            InterpreterTimeoutError: no answer within `plan.timeout_s`.
        """
        found = require_format(path)
        runtime = agent.RUNTIMES.get(found)
        if runtime is None:
            raise UnsupportedModelError(
                str(path),
                found=f"a model of format {found!r}",
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
        if plan.pin and plan.num_threads not in self._cpus:
            self._cpus[plan.num_threads] = choose_cpus(plan.num_threads)
        return ProcessSession(path, plan, runtime, pin=self._cpus[plan.num_threads] if plan.pin else ())


def this_machine(_target: Target) -> ProcessRunner:
    """Return a runner of this machine, which is the same for every target."""
    return ProcessRunner()
