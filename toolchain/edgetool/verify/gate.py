"""The gate that every exported file passes before it gets its name.

A file is read back, held against what its recipe asked for, loaded and run by its runtime, and compared with the source
model. Where it computes in integers it is also compared with its format's specification: fast kernels have been wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgetool.data.dataset import Array, Split
from edgetool.errors import (
    DiskFullError,
    EdgetoolError,
    ExportError,
    OutputFileError,
    ParityError,
    UnsupportedModelError,
)
from edgetool.ir import read_graph
from edgetool.ir.graph import Graph
from edgetool.ir.macs import op_macs
from edgetool.passes.base import QuantizationScheme
from edgetool.records import ParityRecord
from edgetool.runners.base import Runner, RunPlan
from edgetool.verify.files import has_classes
from edgetool.verify.parity import ParityKind, Tolerance, compare_outputs, sqnr_db
from edgetool.verify.specification import onnx_by_specification, tflite_by_specification
from edgetool.verify.stored import count_stored, require_changed, share_note

__all__ = ["GateResult", "Judgement", "Probe", "pass_gate"]

#: Of running one file on the probe.
TIMEOUT_S = 600.0
#: What running the source and the file on the probe may cost, in multiply-accumulates: a few seconds on one core.
PROBE_MACS = 10_000_000_000
MIN_SAMPLES = 4
#: What the specification's evaluators may cost; they do about a tenth of what fast kernels do in the same time.
SPECIFICATION_MACS = {"onnx": 8_000_000_000, "tflite": 1_500_000_000}
#: Samples that a specification's evaluator runs at most: LiteRT's reference kernels are C++, onnx.reference is Python.
MAX_SPECIFICATION_SAMPLES = {"onnx": 4, "tflite": 16}
#: A runtime may be so much further from the source than the specification is.
MAX_LOSS_DB = 3.0
#: Of fewer samples a median tells nothing.
FEW_SAMPLES = 8
#: Outputs nearer to the source than this are right, whatever the specification gives. Fast kernels round integer
#: activations in another order, and LiteRT's quantise inputs at run time by another rule: there 5 dB come and go by
#: chance (ResNet-8, four images: 28 and 33 dB). Float activations of ONNX have one rule.
GOOD_SQNR_DB = 24.0
GOOD_DYNAMIC_ONNX_DB = 40.0
#: How often the specification's evaluator runs on inputs that are moved by up to half a step of 8 bits, where a runtime
#: is further away: a deep network of 10 dB carries the rounding of one value to all outputs.
NUM_MOVES = 3
#: Two roundings in a row, the runtime's and the move's, are this far apart at most, relative to the move's own.
MAX_RATIO_TO_MOVE = 2.0

Arrays = tuple[Array, ...]

#: What to take where a file of a mode cannot be run: never what has just failed.
OTHER_RECIPES = {
    "none": "float16, w8_dynamic",
    "float16": "float32, w8_dynamic",
    "dynamic": "float32, w8a8_static",
    "static": "float32, w8_dynamic",
}

RUNTIME_NAMES = {"tflite": "LiteRT", "onnx": "onnxruntime"}


class Probe:
    """Samples, and what the source model gives for them, which is computed when it is asked for.

    Args:
        inputs: `[N, ...]` each, preprocessed.
        run: gives the source model's outputs, `[N, ...]` each.
        description: where the samples came from, in words.
        split: name of the split that they came from; `random` for generated ones.
    """

    def __init__(self, inputs: Arrays, run: Callable[[Arrays], Arrays], description: str, split: str) -> None:
        self.inputs = inputs
        self.description = description
        self.split = split
        self._run = run
        self._outputs: dict[int, Arrays] = {}

    @property
    def is_noise(self) -> bool:
        """Whether the samples were generated."""
        return self.split == "random"

    def first(self, num_samples: int) -> tuple[Arrays, Arrays]:
        """Return the first samples and the source model's outputs for them."""
        inputs = tuple(array[:num_samples] for array in self.inputs)
        if num_samples not in self._outputs:
            self._outputs[num_samples] = tuple(np.asarray(array) for array in self._run(inputs))
        return inputs, self._outputs[num_samples]


@dataclass(frozen=True, slots=True)
class Judgement:
    """How a file is to be compared with its source.

    Attributes:
        kind: of the comparison.
        tolerance: its limits.
        classes: whether the first output is scores of classes; None: the source's outputs tell.
        head_classes: likewise for the outputs behind it, as far as they are known.
    """

    kind: ParityKind
    tolerance: Tolerance
    classes: bool | None
    head_classes: tuple[bool, ...] = ()


@dataclass(frozen=True, slots=True)
class GateResult:
    """What the gate found: the comparison with the source, and sentences for the report."""

    parity: ParityRecord
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Outcome:
    """Samples, the source model's outputs for them, the file's, and which SQNR is good by itself."""

    inputs: Arrays
    expected: Arrays
    outputs: Arrays
    good_db: float


def pass_gate(
    path: Path, name: str, probe: Probe, judgement: Judgement, scheme: QuantizationScheme, runner: Runner
) -> GateResult:
    """Check a file that an exporter wrote under a temporary name.

    Args:
        path: where the file is.
        name: what it is to be called, for messages.
        probe: samples and the source model's outputs.
        judgement: how to compare. A comparison that fails its limits is in the result, not raised.
        scheme: what the recipe asked for.
        runner: where the file runs.

    Raises:
        ExportError: the recipe changed nothing in the file, or its runtime cannot load or run it.
        ParityError: outputs that cannot be compared (NaN, another shape), or a runtime that computes something else
            than the specification says.
    """
    graph = read_graph(path)
    require_changed(graph, scheme, name)
    macs = sum(op_macs(graph, op) or 0 for op in graph.ops)
    inputs, expected = probe.first(_num_samples(macs, len(probe.inputs[0])))
    outputs = _run(path, name, inputs, runner, scheme)
    classes = judgement.classes
    record = compare_outputs(
        expected,
        outputs,
        reference_name="source",
        artifact_name=name,
        kind=judgement.kind,
        split=probe.split,
        classes=has_classes(expected, Split(probe.split, inputs)) if classes is None else classes,
        tolerance=judgement.tolerance,
        head_classes=judgement.head_classes,
    )
    notes = share_note(graph, scheme)
    if count_stored(graph).is_integer:
        is_exact = graph.format == "onnx" and scheme.mode == "dynamic"
        good_db = GOOD_DYNAMIC_ONNX_DB if is_exact else GOOD_SQNR_DB
        notes += _compare_with_specification(path, name, graph, _Outcome(inputs, expected, outputs, good_db), runner)
    return GateResult(record, notes)


def _num_samples(macs: int, at_most: int) -> int:
    """Return how many samples a model of so many multiply-accumulates is compared on."""
    return int(np.clip(PROBE_MACS // max(macs, 1), min(MIN_SAMPLES, at_most), at_most))


def _run(path: Path, name: str, inputs: Arrays, runner: Runner, scheme: QuantizationScheme) -> Arrays:
    """Run the file in its runtime; what that refuses is the export's failure, not a damaged file's."""
    try:
        session = runner.open(path, RunPlan(num_threads=1, timeout_s=TIMEOUT_S))
        try:
            return session.outputs(inputs)
        finally:
            session.close()
    except (DiskFullError, OutputFileError):
        raise
    except EdgetoolError as exc:
        runtime = RUNTIME_NAMES[path.suffix.removeprefix(".")]
        raise ExportError(
            name,
            found=f"{runtime} cannot run the file that was written: {exc.found}",
            expected="a file that its runtime loads and runs",
            next_step=f"take another recipe ({OTHER_RECIPES[scheme.mode]}) or another format",
        ) from exc


def _compare_with_specification(
    path: Path, name: str, graph: Graph, outcome: _Outcome, runner: Runner
) -> tuple[str, ...]:
    """Hold the runtime's outputs against the specification's, both as distances from the source.

    Raises:
        ParityError: the runtime is further away by more than `MAX_LOSS_DB`, not good by itself, and rounding does not
            explain it.
    """
    macs = sum(op_macs(graph, op) or 0 for op in graph.ops)
    budget = SPECIFICATION_MACS[graph.format]
    if macs > budget:
        return (
            f"not compared with the specification's evaluator, which would take minutes: {macs:,} "
            f"multiply-accumulates a sample, more than {budget:,}",
        )
    num = min(MAX_SPECIFICATION_SAMPLES[graph.format], len(outcome.inputs[0]), budget // max(macs, 1))
    inputs = tuple(array[:num] for array in outcome.inputs)
    try:
        specified = _by_specification(path, graph.format, inputs, runner)
    except UnsupportedModelError as exc:
        return (f"not compared with the specification: {exc.found}",)
    notes: list[str] = []
    moved: list[Arrays] = []
    for index, (source, found, right) in enumerate(zip(outcome.expected, outcome.outputs, specified, strict=True)):
        outputs = source[:num], found[:num], right
        if right.shape != outputs[0].shape or _is_as_near(*outputs, outcome.good_db):
            continue
        if not moved:
            moved += [_by_specification(path, graph.format, _moved(inputs, seed), runner) for seed in range(NUM_MOVES)]
        here = [arrays[index] for arrays in moved]
        notes.append(_explained_by_rounding(f"{name}: output {index}", graph.format, outputs, here))
    return tuple(notes)


def _by_specification(path: Path, kind: str, inputs: Arrays, runner: Runner) -> Arrays:
    return onnx_by_specification(path, inputs) if kind == "onnx" else tflite_by_specification(path, inputs, runner)


def _is_as_near(source: Array, found: Array, right: Array, good_db: float) -> bool:
    """Tell whether a runtime's outputs are good, or as near to the source as the specification's.

    So they are, too, if half of the samples are: the error of a deep network is that of a few samples which rounding
    leads astray, one or the other (EfficientNet B0, four images: 11.6 and 18.7 dB; on forty 7.3 and 8.1). A kernel that
    is wrong on fewer than half of them passes here, and is left to the comparison with the source.
    """
    runtime_db = sqnr_db(source, found)
    if runtime_db >= good_db or runtime_db >= sqnr_db(source, right) - MAX_LOSS_DB:
        return True
    losses = [sqnr_db(s, r) - sqnr_db(s, f) for s, f, r in zip(source, found, right, strict=True)]
    return len(losses) >= FEW_SAMPLES and float(np.median(losses)) <= MAX_LOSS_DB


def _moved(inputs: Arrays, seed: int) -> Arrays:
    """Return inputs of which each value of a float type is moved by up to half a step of 8 bits of its range."""
    random = np.random.default_rng(seed)
    found = []
    for array in inputs:
        if array.dtype.kind != "f" or not array.size:
            found.append(array)
            continue
        step = (float(array.max()) - float(array.min())) / 255
        values = array + random.uniform(-0.5, 0.5, array.shape) * step
        found.append(np.clip(values, array.min(), array.max()).astype(array.dtype))
    return tuple(found)


def _explained_by_rounding(subject: str, kind: str, outputs: tuple[Array, Array, Array], moved: list[Array]) -> str:
    """Return a note on outputs that are further from the source than the specification's, as rounding explains it.

    Args:
        subject: the file and the output.
        kind: format of the file.
        outputs: the source model's, the runtime's and the specification's.
        moved: the specification's for inputs that were moved.

    Raises:
        ParityError: the runtime is further from the specification than rounding takes it.
    """
    source, found, right = outputs
    runtime_db, specified_db = sqnr_db(source, found), sqnr_db(source, right)
    distance = max(float(np.linalg.norm(array - right)) for array in moved)
    if float(np.linalg.norm(found - right)) <= MAX_RATIO_TO_MOVE * distance:
        return (
            f"{subject} is {runtime_db:.1f} dB above its error in {RUNTIME_NAMES[kind]}, {specified_db:.1f} dB by the "
            "specification: inputs that move by half a step of 8 bits make as much"
        )
    raise ParityError(
        subject,
        found=f"{runtime_db:.1f} dB above its error in {RUNTIME_NAMES[kind]} on this processor, where the "
        f"specification's evaluator gives {specified_db:.1f} dB for the same file",
        expected=f"at most {MAX_LOSS_DB:g} dB less",
        next_step="take float16, or integers of another recipe; integer kernels of processors without VNNI saturate",
    )
