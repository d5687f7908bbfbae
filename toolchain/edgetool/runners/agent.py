"""The one program that runs models on a machine: copied there as a single file and started with `python agent.py`.

It needs Python, NumPy and the interpreter of the model's format (LiteRT or onnxruntime), nothing of edgetool. It
speaks the JSON lines of `edgetool.runners.child` on standard input and output: a request `{"id", "method", "params"}`
is answered by `{"id", "result"}` or `{"id", "error"}`, the latter with the fields of `EdgetoolError.to_dict`. Whatever
a library prints goes to standard error. Local and remote runners both start this file, which
is why it is one file and longer than others.

Methods: `probe`, `files`, `load`, `outputs`, `time`, `memory`, `nodes`; see `Agent`.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import gc
import hashlib
import json
import mmap
import os
import platform
import resource
import select
import shlex
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import IO, TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from typing import NotRequired, TypedDict

    from ai_edge_litert.interpreter import Interpreter
    from onnxruntime import NodeArg

    class _Quantization(TypedDict):
        scales: npt.NDArray[np.float32]
        zero_points: npt.NDArray[np.int32]
        quantized_dimension: int

    class _TensorDetail(TypedDict):
        """What LiteRT says of an input or output."""

        name: str
        index: int
        dtype: type[np.generic]
        shape: npt.NDArray[np.int32]
        shape_signature: NotRequired[npt.NDArray[np.int32]]
        quantization_parameters: _Quantization


__all__ = [
    "PARENT_VARIABLE",
    "RUNTIMES",
    "Agent",
    "Lifeline",
    "by_sample",
    "main",
    "place_samples",
    "read_files",
    "sample_axes",
    "samples_first",
]

Array = npt.NDArray[Any]

RUNTIMES = {"tflite": "litert", "onnx": "onnxruntime"}
PACKAGES = ("ai-edge-litert", "onnxruntime", "onnxruntime-gpu", "numpy")
CUDA = "CUDAExecutionProvider"
#: Largest difference, relative to the largest output, up to which a batch counts as the same as single samples.
BATCH_TOLERANCE = 1e-5
#: What the activations that live at once may take, and how large they are in inputs of float32.
BATCH_BYTES = 192 << 20
ACTIVATIONS_PER_INPUT = 40
#: Of a file in which a system describes itself, so much is read.
SYSTEM_FILE_BYTES = 1 << 20

#: Holds the process id of a parent on the same machine; without it a process lives until its standard input is closed.
PARENT_VARIABLE = "EDGETOOL_PARENT"
#: `prctl` option of Linux: a signal for the caller when the thread that started it has gone.
PR_SET_PDEATHSIG = 1
#: What an idle process has to end by itself after its standard input was closed.
IDLE_GRACE_S = 2.0


class Lifeline:
    """Ends this process, in the middle of any work, when its parent has gone.

    The kernel sends SIGKILL. Should it not (another system, another thread), a thread sees that nobody holds the other
    end of standard input, and kills the session that `Child` made of this process and of what it started.

    Attributes:
        busy: a request is being answered; its answer is of no use to anybody once standard input is closed.
    """

    def __init__(self) -> None:
        self.busy = False

    def hold(self) -> None:
        """Begin to watch, if the environment names a parent."""
        parent = os.environ.get(PARENT_VARIABLE, "")
        if not parent.isdecimal():
            return
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != int(parent):  # it went before the line above
            self._end()
        threading.Thread(target=self._watch, daemon=True, name="lifeline").start()

    def _watch(self) -> None:
        poll = select.poll()
        poll.register(0, 0)  # a hang-up is reported unasked
        poll.poll()
        if not self.busy:
            time.sleep(IDLE_GRACE_S)
        self._end()

    @staticmethod
    def _end() -> None:
        if os.getpgrp() == os.getpid():
            os.killpg(0, signal.SIGKILL)
        os._exit(1)


class RefusalError(Exception):
    """An error that the parent raises as the `EdgetoolError` named `kind`."""

    def __init__(self, kind: str, subject: str, *, found: str, expected: str, next_step: str) -> None:
        super().__init__(found)
        self.fields = {"kind": kind, "subject": subject, "found": found, "expected": expected, "next_step": next_step}


class Tensor(NamedTuple):
    """An input or output: shape with -1 for open dimensions, NumPy dtype, per-tensor or per-channel quantisation."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    scale: Array
    zero_point: Array
    axis: int = 0


class Model(Protocol):
    """A model that a runtime has loaded."""

    inputs: list[Tensor]
    outputs: list[Tensor]
    batch: int | None

    def run(self, arrays: Sequence[Array]) -> list[Array]:
        """Run one batch whose size is the model's own or, where that is open, any."""
        ...

    def bind(self, batch: int) -> Callable[[], object]:
        """Set inputs of `batch` samples and return the function that does one synchronised inference."""
        ...

    def nodes(self) -> dict[str, int]:
        """Return the number of nodes of each execution provider."""
        ...


class LiteRTModel:
    """A `.tflite` file in the LiteRT interpreter: default (XNNPACK), reference or its own fast kernels.

    With `whole_runs` each sample is one inference: inputs and outputs as the file has them, a batch or not.
    """

    def __init__(
        self, path: str, *, num_threads: int, kernels: str, keep_state: bool = False, whole_runs: bool = False
    ) -> None:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        resolvers = {
            "reference": OpResolverType.BUILTIN_REF,
            "builtin": OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
            "default": OpResolverType.AUTO,
        }
        resolver = resolvers[kernels]
        self._keep_state = keep_state
        self._whole_runs = whole_runs
        interpreter: Any = Interpreter
        self._open: Callable[[], Any] = lambda: interpreter(
            path, num_threads=num_threads, experimental_op_resolver_type=resolver
        )
        self._interpreter = self._open()
        self._interpreter.allocate_tensors()
        self._wide: Any = None  # a second interpreter for larger batches; the first one is never resized after timing
        self.inputs = [_litert_tensor(detail) for detail in self._interpreter.get_input_details()]
        self.outputs = [_litert_tensor(detail) for detail in self._interpreter.get_output_details()]
        self.batch = 1 if whole_runs else self._file_batch()
        if whole_runs:
            self.inputs = [t._replace(shape=(-1, *(max(d, 1) for d in t.shape))) for t in self.inputs]

    def _file_batch(self) -> int | None:
        """Return the batch of the file; None where a larger one can be tried (a leading 1 or -1 in every tensor)."""
        leading = {t.shape[0] for t in (*self.inputs, *self.outputs) if t.shape}
        if all(t.shape for t in self.inputs) and leading <= {1, -1}:
            return None
        return self.inputs[0].shape[0] if self.inputs and self.inputs[0].shape else 1

    def run(self, arrays: Sequence[Array]) -> list[Array]:
        """Run one batch; see `Model.run`."""
        if self._whole_runs:
            outputs = _litert_run(self._interpreter, [array[0] for array in arrays], keep_state=self._keep_state)
            return [output[None] for output in outputs]
        if self.batch is not None or arrays[0].shape[0] == 1:
            return _litert_run(self._interpreter, arrays, keep_state=self._keep_state)
        if self._wide is None:
            self._wide = self._open()
        _litert_resize(self._wide, arrays[0].shape[0])
        return _litert_run(self._wide, arrays)

    def bind(self, batch: int) -> Callable[[], object]:
        """Set seeded inputs; see `Model.bind`."""
        fixed = self.batch or 1
        if batch != fixed and self.batch is not None:
            raise _wrong_batch(self.batch, batch)
        if batch != fixed:
            self._interpreter = self._open()
            _litert_resize(self._interpreter, batch)
        for detail in self._interpreter.get_input_details():
            self._interpreter.set_tensor(detail["index"], _sample(detail["shape"], detail["dtype"]))
        invoke: Callable[[], object] = self._interpreter.invoke
        return invoke

    def nodes(self) -> dict[str, int]:
        """Return nothing: LiteRT has no execution providers."""
        return {}


class OnnxModel:
    """A `.onnx` file in onnxruntime: CPU, or CUDA without fall-back."""

    def __init__(
        self, path: str, *, num_threads: int, device: str, input_shapes: Mapping[str, Sequence[int]] | None = None
    ) -> None:
        import onnxruntime as ort

        ort.set_default_logger_severity(4)
        options = ort.SessionOptions()
        options.intra_op_num_threads = num_threads
        options.inter_op_num_threads = 1
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.log_severity_level = 4
        options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
        providers = ["CPUExecutionProvider"]
        if device == "gpu":
            _require_cuda(ort)
            providers = [CUDA, "CPUExecutionProvider"]
        self._ort = ort
        try:
            self._session = ort.InferenceSession(path, options, providers=providers)
        except Exception as exc:
            if device == "gpu" and any(sign in str(exc) for sign in ("CUDA", "cuda", "cudnn", "cublas")):
                raise _no_gpu(" ".join(str(exc).split())[:300]) from exc
            raise
        self._session.disable_fallback()
        if device == "gpu" and CUDA not in self._session.get_providers():
            raise _no_gpu("onnxruntime could not start its CUDA provider")
        self._device = "cuda" if device == "gpu" else "cpu"
        arguments = self._session.get_inputs()
        self._args = [_onnx_tensor(arg) for arg in arguments]
        self._axes = sample_axes([arg.shape for arg in arguments])
        self._shapes = dict(input_shapes or {})
        self.inputs = [
            arg._replace(shape=by_sample(arg.shape, axis)) for arg, axis in zip(self._args, self._axes, strict=True)
        ]
        self.outputs = [_onnx_tensor(arg) for arg in self._session.get_outputs()]
        counts = [t.shape[axis] for t, axis in zip(self._args, self._axes, strict=True) if axis is not None]
        self.batch = 1 if not counts else None if min(counts) < 0 else counts[0]

    def run(self, arrays: Sequence[Array]) -> list[Array]:
        """Run one batch; see `Model.run`."""
        num = arrays[0].shape[0] if arrays else 1
        placed = [place_samples(array, axis) for array, axis in zip(arrays, self._axes, strict=True)]
        feeds = {tensor.name: array for tensor, array in zip(self.inputs, placed, strict=True)}
        return [samples_first(np.asarray(output), num) for output in self._session.run(None, feeds)]

    def bind(self, batch: int) -> Callable[[], object]:
        """Put seeded inputs and the outputs on the device; see `Model.bind`."""
        if self.batch is not None and batch != self.batch:
            raise _wrong_batch(self.batch, batch)
        binding = self._session.io_binding()
        for tensor, axis in zip(self._args, self._axes, strict=True):
            shape = list(self._shapes.get(tensor.name, ())) or [
                batch if i == axis and d < 0 else d for i, d in enumerate(tensor.shape)
            ]
            if min(shape, default=1) < 0:
                raise _open_shape(self._args, self._axes)
            value = self._ort.OrtValue.ortvalue_from_numpy(_sample(shape, tensor.dtype), self._device, 0)
            binding.bind_ortvalue_input(tensor.name, value)
        for output in self.outputs:
            binding.bind_output(output.name, self._device, 0)
        session = self._session
        if self._device == "cpu":
            return lambda: session.run_with_iobinding(binding)
        binding.synchronize_inputs()

        def invoke() -> None:
            session.run_with_iobinding(binding)
            binding.synchronize_outputs()

        return invoke

    def nodes(self) -> dict[str, int]:
        """Count the nodes that onnxruntime gave to each provider, after its optimisations."""
        counts: dict[str, int] = {}
        for part in self._session.get_provider_graph_assignment_info():
            counts[part.ep_name] = counts.get(part.ep_name, 0) + len(part.get_nodes())
        return counts


def sample_axes(shapes: Sequence[Sequence[int | str | None]]) -> list[int | None]:
    """Return, for each input of a model, the axis that counts the samples; None where it has no such axis.

    It is the first axis in most models. States of recurrent layers have it behind that of the layers: `[2, N, 128]`.
    Files tell by the name of the open dimension, or by the number that every input has.

    Args:
        shapes: of all inputs: a size, the name of an open dimension, or None.
    """
    known = [[_stated(d) for d in shape] for shape in shapes]
    ranked = [shape for shape in known if shape]
    if not ranked:
        return [None for _ in known]
    count = _sample_count(ranked)
    return [_axis_of(shape, count) for shape in known]


def _stated(dimension: int | str | None) -> int | str | None:
    """Return a dimension without what says nothing: sizes below 1, and names as `?`, which stand for any size."""
    if isinstance(dimension, int):
        return dimension if dimension > 0 else None
    return dimension if dimension and any(letter.isalpha() for letter in dimension) else None


def _sample_count(shapes: Sequence[Sequence[int | str | None]]) -> int | str | None:
    """Return the dimension, as the file states it, that counts the samples.

    In this order: one that is called a batch, an open first one, one called `N` or `B`, a 1 in front of every input,
    one that several inputs have, a 1 in every input, any open one, the first size.
    """
    names = [d for shape in shapes for d in shape if isinstance(d, str)]
    batches = [name for name in names if "batch" in name.lower()]
    if batches:
        return batches[0]
    for shape in shapes:
        if not isinstance(shape[0], int):
            return shape[0]
    letters = [name for name in names if name.lower() in ("n", "b")]
    if letters:
        return letters[0]
    shared = [name for name in names if sum(name in shape for shape in shapes) > 1]
    if all(shape[0] == 1 for shape in shapes) or (not shared and all(1 in shape for shape in shapes)):
        return 1
    return [*shared, *names, shapes[0][0]][0]


def _axis_of(shape: Sequence[int | str | None], count: int | str | None) -> int | None:
    opened = [axis for axis, d in enumerate(shape) if not isinstance(d, int)]
    if count is not None and count in shape:
        return shape.index(count)
    return opened[0] if opened else None


def by_sample(shape: Sequence[int], axis: int | None) -> tuple[int, ...]:
    """Return the shape of the data for an input, samples first: what `place_samples` takes."""
    if axis is None:
        return (-1, *shape)
    return (shape[axis], *shape[:axis], *shape[axis + 1 :])


def place_samples(array: Array, axis: int | None) -> Array:
    """Return `[N, ...]` data as an input takes them: samples on `axis`.

    Raises:
        ValueError: the input has no axis for samples, and theirs differ.
    """
    if axis is not None:
        return np.ascontiguousarray(np.moveaxis(array, 0, axis))
    if not all(np.array_equal(sample, array[0]) for sample in array[1:]):
        raise ValueError("samples differ in an input that takes one value for all")
    return np.ascontiguousarray(array[0]).reshape(array.shape[1:])


def samples_first(output: Array, num: int) -> Array:
    """Return an output with its samples first; one without an axis for them belongs to the only sample."""
    axis = next((axis for axis, size in enumerate(output.shape) if size == num), None)
    if axis is not None:
        return np.moveaxis(output, axis, 0)
    return output[None] if num == 1 else output


def read_files(patterns: Sequence[str]) -> dict[str, str]:
    """Return path -> text of the files that match shell patterns; those that cannot be read are left out."""
    texts = {}
    for pattern in patterns:
        for path in sorted(Path("/").glob(pattern.lstrip("/"))):
            with contextlib.suppress(OSError), path.open("rb") as stream:
                texts[str(path)] = stream.read(SYSTEM_FILE_BYTES).decode("utf-8", "replace")
    return texts


def _digest(path: str) -> str:
    """Return the SHA-256 of a file."""
    sha = hashlib.sha256()
    with Path(path).open("rb") as stream:
        while chunk := stream.read(1 << 20):
            sha.update(chunk)
    return sha.hexdigest()


class Agent:
    """The methods of the protocol. One agent holds one model."""

    def __init__(self) -> None:
        self._path = "model"
        self._model: Model | None = None
        self._invoke: Callable[[], object] | None = None
        self._batch = 1

    def probe(self) -> dict[str, Any]:
        """Describe this machine: what a remote runner cannot find out otherwise."""
        versions = {}
        for package in PACKAGES:
            with contextlib.suppress(metadata.PackageNotFoundError):
                versions[package] = metadata.version(package)
        return {
            "system": f"{platform.system()} {platform.release()} {platform.machine()}",
            "processor": platform.machine(),
            "cpus": sorted(os.sched_getaffinity(0)),
            "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
            "python": platform.python_version(),
            "versions": versions,
        }

    def files(self, patterns: Sequence[str]) -> dict[str, str]:
        """Return path -> text of the files in which this system describes itself; see `read_files`."""
        return read_files(patterns)

    def load(
        self,
        path: str,
        runtime: str,
        device: str = "cpu",
        num_threads: int = 1,
        batch: int = 1,
        kernels: str = "default",
        pin: Sequence[int] = (),
        keep_state: bool = False,
        whole_runs: bool = False,
        memory_limit_bytes: int | None = None,
        input_shapes: Mapping[str, Sequence[int]] | None = None,
    ) -> dict[str, Any]:
        """Load a model file.

        Args:
            path: the file.
            runtime: `litert` or `onnxruntime`.
            device: `cpu` or `gpu`.
            num_threads: intra-op threads.
            batch: samples of one timed inference.
            kernels: `default`, `reference` or `builtin` (LiteRT).
            keep_state: do not reset the states of operators between samples.
            whole_runs: see `LiteRTModel`.
            pin: CPUs to stay on; left alone where the system refuses.
            memory_limit_bytes: bound on the address space, against files that ask for absurd tensors.
            input_shapes: input name -> shape that it is timed with, batch included, where the file leaves sizes open
                (onnxruntime).
        """
        self._path = path
        self._batch = batch
        pinned: list[int] = []
        if pin:
            with contextlib.suppress(OSError):
                os.sched_setaffinity(0, pin)
                pinned = sorted(os.sched_getaffinity(0))
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            if memory_limit_bytes is not None:
                resource.setrlimit(resource.RLIMIT_AS, (memory_limit_bytes, memory_limit_bytes))
        _import_runtime(runtime)
        start = time.perf_counter_ns()
        with _refusals(path, "could not be loaded"):
            if runtime == "litert":
                if device != "cpu":
                    raise _no_gpu(f"{Path(path).name} is a LiteRT file, which runs on the CPU here")
                self._model = LiteRTModel(
                    path, num_threads=num_threads, kernels=kernels, keep_state=keep_state, whole_runs=whole_runs
                )
            else:
                self._model = OnnxModel(path, num_threads=num_threads, device=device, input_shapes=input_shapes)
        load_ns = time.perf_counter_ns() - start
        return {
            "digest": _digest(path),
            "load_ns": load_ns,
            "pinned_cpus": pinned,
            "node_providers": self.nodes(),
        }

    def outputs(self, inputs: Sequence[str], outputs: str, batch_size: int = 64) -> list[str]:
        """Run every sample of the `.npy` files `inputs` and write `[N, ...]` arrays.

        Args:
            inputs: one file a model input, in the model's order.
            outputs: prefix of the files to write, `<prefix>0.npy` and so on.
            batch_size: samples at a time, where the model can be resized.

        Returns:
            The files written, in the model's order.
        """
        model = self._loaded()
        arrays = [np.load(path, mmap_mode="r", allow_pickle=False) for path in inputs]
        self._check(arrays)
        with _refusals(self._path, "could not be run"):
            parts = list(_run_all(model, arrays, batch_size))
        written = []
        for index, tensor in enumerate(model.outputs):
            rows = [part[index] for part in parts]
            name = f"{outputs}{index}.npy"
            _save(name, _dequantize(np.concatenate(rows) if rows[0].ndim else np.asarray(rows), tensor))
            written.append(name)
        return written

    def time(self, num_runs: int, num_warmup: int = 0) -> list[int]:
        """Time `num_runs` single inferences after `num_warmup` untimed ones, in nanoseconds."""
        with _refusals(self._path, "could not be run"):
            if self._invoke is None:
                self._invoke = self._loaded().bind(self._batch)
            invoke, clock, samples = self._invoke, time.perf_counter_ns, []
            for _ in range(num_warmup):
                invoke()
            gc.collect()
            gc.disable()
            try:
                for _ in range(num_runs):
                    start = clock()
                    invoke()
                    samples.append(clock() - start)
            finally:
                gc.enable()
        return samples

    def memory(self) -> int:
        """Return the peak resident set of this process in bytes."""
        with contextlib.suppress(OSError):
            for line in Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

    def nodes(self) -> dict[str, int]:
        """Return the number of ONNX nodes of each execution provider; empty for LiteRT."""
        return self._loaded().nodes()

    def _loaded(self) -> Model:
        if self._model is None:
            # A parent starts a fresh process when the one that held the model died between two calls.
            raise RefusalError(
                "InterpreterCrashError",
                "agent",
                found="no model: the process that held it has died",
                expected="a model that the interpreter can run",
                next_step="run again; if it dies again, the model may be damaged or too large",
            )
        return self._model

    def _check(self, arrays: Sequence[Array]) -> None:
        expected = self._loaded().inputs
        if len(arrays) != len(expected):
            names = ", ".join(tensor.name for tensor in expected)
            raise _misfit(self._path, f"{len(arrays)} input arrays", f"{len(expected)} ({names})")
        for array, tensor in zip(arrays, expected, strict=True):
            subject = f"{self._path}, input {tensor.name!r}"
            wanted = ["N", *(str(d) if d >= 0 else "?" for d in tensor.shape[1:])]
            fits = array.ndim == len(tensor.shape) and all(
                d < 0 or d == n for d, n in zip(tensor.shape[1:], array.shape[1:], strict=True)
            )
            if not fits:
                raise _misfit(subject, f"data of shape {list(array.shape)}", f"[{', '.join(wanted)}]")
            if array.shape[0] != arrays[0].shape[0] or not array.shape[0]:
                raise _misfit(subject, f"{array.shape[0]} samples", f"{arrays[0].shape[0] or 'at least 1'}")
            if array.dtype.kind not in "fiub":
                raise _misfit(subject, f"dtype {array.dtype}", f"numbers that convert to {tensor.dtype}")


def fitting_batch(arrays: Sequence[Array], at_most: int) -> int:
    """Return how many samples to run at once, so that their activations fit; as `edgetool.data.batching` has it."""
    elements = sum(array.size // max(1, len(array)) for array in arrays)
    return max(1, min(at_most, BATCH_BYTES // max(1, elements * 4 * ACTIVATIONS_PER_INPUT)))


def _run_all(model: Model, arrays: Sequence[Array], batch_size: int) -> Iterator[list[Array]]:
    """Yield the outputs of all samples, in batches where the model gives the same answers in batches."""
    num_samples = arrays[0].shape[0]
    step = model.batch or fitting_batch(arrays, min(batch_size, num_samples))
    start = 0
    if model.batch is None and step > 1:
        first = _slice(model, arrays, 0, step)
        batched = _run_batch(model, first)
        probes = sorted({0, step // 2, step - 1})
        single = [model.run([x[i : i + 1] for x in first]) for i in probes]
        if batched is not None and all(
            _same(b[i : i + 1], s) for k, i in enumerate(probes) for b, s in zip(batched, single[k], strict=True)
        ):
            yield batched
            start = step
        else:
            step = 1
    while start < num_samples:
        chunk = _slice(model, arrays, start, start + step)
        missing = (model.batch or 0) - chunk[0].shape[0]
        if missing > 0:  # the last batch of a model of fixed batch: filled up with its last sample
            padded = [np.concatenate([x, np.repeat(x[-1:], missing, axis=0)]) for x in chunk]
            yield [y[: chunk[0].shape[0]] for y in model.run(padded)]
        else:
            yield model.run(chunk)
        start += step
        _let_go(arrays)


def _let_go(arrays: Sequence[Array]) -> None:
    """Give back the memory that pages of mapped files take: of a large data set all would stay behind."""
    for array in arrays:
        mapping = getattr(array, "_mmap", None)
        if mapping is not None and hasattr(mmap, "MADV_DONTNEED"):
            mapping.madvise(mmap.MADV_DONTNEED)


def _run_batch(model: Model, chunk: Sequence[Array]) -> list[Array] | None:
    """Run a whole batch; None where the model cannot be resized or mixes the batch with other axes."""
    try:
        outputs = model.run(chunk)
    except (RuntimeError, ValueError):
        return None
    except Exception as exc:  # onnxruntime's errors have no common base but Exception
        if not type(exc).__module__.startswith("onnxruntime"):
            raise
        return None
    return outputs if all(y.ndim and y.shape[0] == chunk[0].shape[0] for y in outputs) else None


def _same(a: Array, b: Array) -> bool:
    if a.shape != b.shape:
        return False
    if a.dtype.kind != "f":
        return bool(np.array_equal(a, b))
    largest = float(np.max(np.abs(b), initial=0.0))
    return bool(np.allclose(a, b, rtol=0.0, atol=BATCH_TOLERANCE * largest, equal_nan=True))


def _slice(model: Model, arrays: Sequence[Array], start: int, stop: int) -> list[Array]:
    return [_quantize(np.asarray(x[start:stop]), t) for x, t in zip(arrays, model.inputs, strict=True)]


def _quantize(array: Array, tensor: Tensor) -> Array:
    """Convert to the tensor's dtype: q = round(x / scale) + zero_point, saturated, unless `array` has it already."""
    if array.dtype == tensor.dtype:
        return np.ascontiguousarray(array)
    if tensor.dtype.kind in "iu" and tensor.scale.size:
        scale, zero_point = _broadcast(tensor, array.ndim)
        limits = np.iinfo(tensor.dtype)
        scaled = np.rint(array.astype(np.float64) / scale) + zero_point
        quantized: Array = np.clip(scaled, limits.min, limits.max).astype(tensor.dtype)
        return quantized
    if tensor.dtype.kind in "iub" and array.dtype.kind == "f" and not np.array_equal(array, np.rint(array)):
        raise _misfit(f"input {tensor.name!r}", "fractions", f"whole numbers that fit {tensor.dtype}")
    return np.ascontiguousarray(array.astype(tensor.dtype))


def _dequantize(array: Array, tensor: Tensor) -> Array:
    """Return real values, (q - zero_point) * scale as float32, of a quantised output; others as they are."""
    if array.dtype.kind not in "iu" or not tensor.scale.size:
        return array
    scale, zero_point = _broadcast(tensor, array.ndim)
    return ((array.astype(np.float64) - zero_point) * scale).astype(np.float32)


def _broadcast(tensor: Tensor, ndim: int) -> tuple[Array, Array]:
    shape = [1] * ndim
    if tensor.scale.size > 1:
        shape[tensor.axis] = tensor.scale.size
        return tensor.scale.reshape(shape), tensor.zero_point.reshape(shape)
    return tensor.scale.reshape(-1)[:1], tensor.zero_point.reshape(-1)[:1]


def _litert_tensor(detail: _TensorDetail) -> Tensor:
    quantization = detail["quantization_parameters"]
    signature = [int(d) for d in detail.get("shape_signature", ())] or [int(d) for d in detail["shape"]]
    return Tensor(
        str(detail["name"]),
        tuple(signature),
        np.dtype(detail["dtype"]),
        np.asarray(quantization["scales"], np.float64),
        np.asarray(quantization["zero_points"], np.float64),
        int(quantization["quantized_dimension"]),
    )


def _litert_resize(interpreter: Interpreter, batch: int) -> None:
    for detail in interpreter.get_input_details():
        shape = [batch, *(int(d) for d in detail["shape"][1:])]
        if shape != [int(d) for d in detail["shape"]]:
            interpreter.resize_tensor_input(detail["index"], shape)
    interpreter.allocate_tensors()


def _litert_run(interpreter: Interpreter, arrays: Sequence[Array], *, keep_state: bool = False) -> list[Array]:
    # A recurrent operator keeps its state from one inference to the next: samples are sequences of their own, unless
    # they are the steps of one.
    if not keep_state:
        interpreter.reset_all_variables()
    for detail, array in zip(interpreter.get_input_details(), arrays, strict=True):
        interpreter.set_tensor(detail["index"], array)
    interpreter.invoke()
    return [interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details()]


def _onnx_tensor(arg: NodeArg) -> Tensor:
    kinds = {"float": "float32", "double": "float64"}
    element = str(arg.type).removeprefix("tensor(").removesuffix(")")
    try:
        dtype = np.dtype(kinds.get(element, element))
    except TypeError:
        raise RefusalError(
            "UnsupportedModelError",
            f"tensor {arg.name!r}",
            found=f"type {arg.type}",
            expected="a tensor of numbers",
            next_step="export the model with numeric inputs and outputs",
        ) from None
    shape = tuple(d if isinstance(d, int) else -1 for d in arg.shape)
    return Tensor(str(arg.name), shape, dtype, np.empty(0), np.empty(0))


def _sample(shape: Sequence[int], dtype: npt.DTypeLike) -> Array:
    """Return seeded data to time with: uniform in [-1, 1], or -128..127 for 8 and 16 bit integers, else zeros."""
    kind = np.dtype(dtype)
    size = [int(d) for d in shape]
    generator = np.random.default_rng(0)
    if kind.kind == "f":
        return generator.uniform(-1.0, 1.0, size).astype(kind)
    if kind.kind in "iu" and kind.itemsize <= 2:
        limits = np.iinfo(kind)
        return generator.integers(max(limits.min, -128), min(limits.max, 127), size, dtype=kind, endpoint=True)
    return np.zeros(size, kind)


class _Writer:
    """A stream without a file descriptor: NumPy writes to a descriptor by itself and then hides what went wrong."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.write = stream.write


def _save(path: str, array: Array) -> None:
    """Write a `.npy` file."""
    try:
        with Path(path).open("wb") as stream:
            np.lib.format.write_array(_Writer(stream), array, allow_pickle=False)
    except OSError as exc:
        full = exc.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        raise RefusalError(
            "DiskFullError" if full else "OutputFileError",
            path,
            found=exc.strerror or str(exc),
            expected="room for the model's outputs in the folder for temporary files",
            next_step="free space there, or name another folder in TMPDIR, and run again",
        ) from None


def _import_runtime(runtime: str) -> None:
    package = {"litert": "ai_edge_litert.interpreter", "onnxruntime": "onnxruntime"}[runtime]
    try:
        __import__(package)
    except ImportError as exc:
        name = "ai-edge-litert" if runtime == "litert" else "onnxruntime"
        raise RefusalError(
            "MissingDependencyError",
            name,
            found=f"it cannot be imported ({exc})",
            expected="it installed on the machine that runs the model",
            next_step=f"pip install {name}",
        ) from None


def _require_cuda(ort: ModuleType) -> None:
    if CUDA not in ort.get_available_providers():
        raise _no_gpu(f"this onnxruntime {ort.__version__} has no CUDA provider")
    with contextlib.suppress(AttributeError, OSError):
        ort.preload_dlls()


def _no_gpu(found: str) -> RefusalError:
    return RefusalError(
        "DeviceUnavailableError",
        "--device gpu",
        found=found,
        expected="a .onnx file, an NVIDIA GPU with its driver, and onnxruntime's CUDA provider",
        next_step="pip uninstall onnxruntime; pip install 'onnxruntime-gpu[cuda,cudnn]'; or use --device cpu",
    )


def _open_shape(tensors: Sequence[Tensor], axes: Sequence[int | None]) -> RefusalError:
    """Return the error for inputs of unknown size, with the options that give one."""
    options, names = [], []
    for tensor, axis in zip(tensors, axes, strict=True):
        if any(d < 0 and i != axis for i, d in enumerate(tensor.shape)):
            side = 224 if len(tensor.shape) > 3 else 128
            sizes = [1 if i == axis and d < 0 else side if d < 0 else d for i, d in enumerate(tensor.shape)]
            options.append(f"--input-shape {shlex.quote(tensor.name)}={'x'.join(map(str, sizes))}")
            names.append(f"{tensor.name!r} {list(tensor.shape)}")
    return RefusalError(
        "UnsupportedModelError",
        f"input {names[0].split(' ')[0]}",
        found=f"open dimensions: {', '.join(names)}",
        expected="a size for each: time depends on it",
        next_step=f"give sizes, for example {' '.join(options)}",
    )


def _wrong_batch(fixed: int, asked: int) -> RefusalError:
    return RefusalError(
        "UnsupportedModelError",
        "--batch",
        found=f"{asked}",
        expected=f"{fixed}, the batch that is fixed in the file",
        next_step=f"use --batch {fixed}, or export the model with an open batch dimension",
    )


def _misfit(subject: str, found: str, expected: str) -> RefusalError:
    return RefusalError(
        "DataError", subject, found=found, expected=expected, next_step="give data that fits the model's signature"
    )


@contextlib.contextmanager
def _refusals(path: str, what: str) -> Iterator[None]:
    """Turn whatever an interpreter raises on a bad file into an error about the file."""
    try:
        yield
    except RefusalError:
        raise
    except MemoryError:
        raise _bad_file("UnsupportedModelError", path, f"{what}: it asks for more memory than there is") from None
    except Exception as exc:  # the interpreters raise anything on damaged files
        text = " ".join(str(exc).split())[:400] or type(exc).__name__
        unsupported = (
            "unresolved",
            "not a registered function",
            "not implemented",
            "not_implemented",
            "bad_alloc",
            "failed to allocate",
            "opset",
        )
        kind = "UnsupportedModelError" if any(sign in text.lower() for sign in unsupported) else "FileFormatError"
        raise _bad_file(kind, path, f"{what}: {text}") from exc


#: What to do next where the interpreter does not know what the file asks for, and where it cannot read the file.
_OTHER_OPERATORS = (
    "take operators that the runtime has; edgetool export FILE.onnx -o NEW.onnx raises an old operator set, "
    "pip install -U brings a newer runtime"
)
_DAMAGED = "export the model again; the file may be damaged or newer than the runtime"


def _bad_file(kind: str, path: str, found: str) -> RefusalError:
    return RefusalError(
        kind,
        path,
        found=found,
        expected="a model that the interpreter can run",
        next_step=_OTHER_OPERATORS if kind == "UnsupportedModelError" else _DAMAGED,
    )


#: What a request may ask for.
METHODS = ("probe", "files", "load", "outputs", "time", "memory", "nodes")


def main() -> None:
    """Answer requests until standard input is closed."""
    lifeline = Lifeline()
    lifeline.hold()
    protocol = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
    os.dup2(2, 1)  # anything printed from here on goes to standard error
    agent = Agent()
    methods = {name: getattr(agent, name) for name in METHODS}
    for line in sys.stdin:
        lifeline.busy = True
        request = json.loads(line)
        answer: dict[str, Any] = {"id": request["id"]}
        try:
            answer["result"] = methods[request["method"]](**request["params"])
        except RefusalError as exc:
            answer["error"] = exc.fields
        except Exception as exc:  # noqa: BLE001 - the process boundary: any defect must reach the parent as a message
            traceback.print_exc()
            text = f"{type(exc).__name__}: {exc}"[:500]
            answer["error"] = {"kind": "InternalError", "subject": str(request["method"]), "found": text}
        protocol.write(json.dumps(answer) + "\n")
        lifeline.busy = False


if __name__ == "__main__":
    main()
