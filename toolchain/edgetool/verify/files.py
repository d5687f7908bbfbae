"""Parity of two model files of any format, each run in a process of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from edgetool.artifact import Format
from edgetool.data.dataset import Array, Split
from edgetool.errors import FileFormatError, InternalError, UnsupportedModelError
from edgetool.importers import source_kind
from edgetool.importers.base import ImportOptions
from edgetool.ir.input_shapes import InputShape
from edgetool.records import ParityRecord, WeightFormat
from edgetool.runners.agent import RUNTIMES
from edgetool.runners.base import Runner, RunPlan
from edgetool.runners.child import Child, call_function
from edgetool.schema import parse, to_builtins
from edgetool.store.atomic import save_array
from edgetool.store.manifest_io import require_recorded
from edgetool.verify.inputs import InputFacts, InputLoader, in_model_layout, random_inputs, value_dtypes
from edgetool.verify.parity import ParityKind, Tolerance, compare_outputs, tolerance_for

__all__ = ["ModelFacts", "Verification", "has_classes", "verify_files"]

#: Of describing, loading or running one model on the compared samples.
TIMEOUT_S = 1800.0


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What a file says of itself.

    Attributes:
        inputs: of the model.
        weights: the coarsest format of a kernel.
    """

    inputs: tuple[InputFacts, ...]
    weights: WeightFormat


@dataclass(frozen=True, slots=True)
class Verification:
    """What `edgetool verify` found.

    Attributes:
        inputs: what was compared on, in words.
        parity: the figures and the verdict.
    """

    inputs: str
    parity: ParityRecord


class _Model(Protocol):
    def facts(self) -> ModelFacts: ...

    def outputs(self, inputs: tuple[Array, ...]) -> tuple[Array, ...]: ...

    def close(self) -> None: ...


def verify_files(
    reference: str | Path,
    candidate: str | Path,
    *,
    runner: Runner,
    data: InputLoader | None = None,
    num_samples: int = 256,
    seed: int = 0,
    trust: bool = False,
    input_shapes: tuple[InputShape, ...] = (),
    tolerance: Tolerance | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> Verification:
    """Run both models on the same inputs and compare their outputs.

    Args:
        reference: what is trusted: a model of any format that comes in, or `module:function`.
        candidate: what is checked.
        runner: where exported files run; models of frameworks run in a child here.
        data: gives the inputs; None: random ones.
        num_samples: of random inputs.
        seed: of random inputs.
        trust: load models even if they carry code.
        input_shapes: see `ImportOptions`.
        tolerance: limits; None: by how the files store weights, see `edgetool.verify.parity`.
        progress: called as steps are done.

    Raises:
        ParityError: outputs or inputs that cannot be compared. A comparison that fails its limits is in the record.
        ManifestError: a file of a run folder is no longer what the run wrote.
        EdgetoolError: a file is damaged, carries code, crashes the interpreter, or does not fit the data.
    """
    report = progress or _silent
    for path in (Path(reference), Path(candidate)):
        require_recorded(path)
    options = ImportOptions(trust, input_shapes)
    first = _open(str(reference), runner, options)
    try:
        # What is a constant in the reference is no input of the candidate.
        left = tuple(shape for shape in input_shapes if shape.value is None)
        second = _open(str(candidate), runner, ImportOptions(trust, left))
        try:
            report("describe", 0, 2)
            facts = (first.facts(), second.facts())
            report("describe", 2, 2)
            given = data(value_dtypes(facts[0].inputs)) if data is not None else None
            inputs = given or random_inputs(facts[0].inputs, facts[1].inputs, num_samples, seed=seed)
            inputs = in_model_layout(inputs, facts[0].inputs)
            report("run", 0, 2)
            trusted = first.outputs(inputs.split.inputs)
            report("run", 1, 2)
            found = second.outputs(inputs.split.inputs)
            report("run", 2, 2)
        finally:
            second.close()
    finally:
        first.close()
    kind, limit = _limit((facts[0].weights, facts[1].weights), inputs.is_noise)
    record = compare_outputs(
        trusted,
        found,
        reference_name=str(reference),
        artifact_name=str(candidate),
        kind=kind,
        split=inputs.split.name,
        classes=has_classes(trusted, inputs.split),
        tolerance=tolerance or limit,
    )
    return Verification(inputs.description, record)


def _silent(what: str, done: int, total: int) -> None:
    """Show no progress."""


def _limit(weights: tuple[WeightFormat, WeightFormat], is_noise: bool) -> tuple[ParityKind, Tolerance]:
    """Return the kind of comparison and the limits that the coarser of the two files asks for."""
    num_integer = sum(stored.is_integer for stored in weights)
    if num_integer == 0:
        coarser = min(weights, key=lambda stored: stored.bits)
        return "float", tolerance_for("quantized", weights=coarser)
    kind: ParityKind = "runtimes" if num_integer == len(weights) else "quantized"
    return kind, tolerance_for(kind, noise_inputs=is_noise)


def has_classes(outputs: tuple[Array, ...], split: Split) -> bool:
    """Tell class scores: integer labels in their range, or without labels rows that sum to 1."""
    if not outputs or outputs[0].ndim != 2 or outputs[0].size == 0:
        return False
    first, labels = outputs[0], split.labels
    if labels is not None:
        whole = labels.ndim == 1 and labels.dtype.kind in "iub"
        return whole and int(labels.min()) >= 0 and int(labels.max()) < max(2, first.shape[1])
    sums = first.astype(np.float64).sum(axis=1)
    return first.shape[1] > 1 and bool(first.min() >= 0.0) and bool(np.abs(sums - 1.0).max() < 0.1)


def _open(model: str, runner: Runner, options: ImportOptions) -> _Model:
    """Open a model; an `.onnx` file of which an input becomes a constant is imported, like those of frameworks."""
    found = source_kind(model)
    is_changed = found == "onnx" and any(shape.value is not None for shape in options.input_shapes)
    if found in RUNTIMES and not is_changed:
        return _ExportedModel(Path(model), runner, options.input_shapes)
    return _SourceModel(model, found, options)


class _SourceModel:
    """A model in a child that imports its framework."""

    def __init__(self, model: str, kind: Format, options: ImportOptions) -> None:
        self._name = model if kind == "function" else str(Path(model).absolute())
        self._options = to_builtins(options)
        self._child = Child(subject=model)

    def facts(self) -> ModelFacts:
        params = {"model": self._name, "options": self._options}
        answer = self._child.call("edgetool.verify.source:describe_source", params, timeout_s=TIMEOUT_S)
        return _parse(self._name, answer)

    def outputs(self, inputs: tuple[Array, ...]) -> tuple[Array, ...]:
        with tempfile.TemporaryDirectory(prefix="edgetool-") as folder:
            names = [str(Path(folder) / f"x{index}.npy") for index in range(len(inputs))]
            for name, array in zip(names, inputs, strict=True):
                save_array(Path(name), array)
            params = {
                "model": self._name,
                "inputs_npy": names,
                "outputs_npy": str(Path(folder) / "y"),
                "options": self._options,
            }
            written = self._child.call("edgetool.verify.source:run_source", params, timeout_s=TIMEOUT_S)
            return tuple(np.load(name, allow_pickle=False) for name in written)

    def close(self) -> None:
        self._child.close()


class _ExportedModel:
    """A `.tflite` or `.onnx` file: read in one child, run by the runner in another."""

    def __init__(self, path: Path, runner: Runner, input_shapes: tuple[InputShape, ...]) -> None:
        self._path = path
        self._runner = runner
        self._input_shapes = input_shapes

    def facts(self) -> ModelFacts:
        answer = call_function(
            "edgetool.verify.source:describe_graph",
            {"path": str(self._path), "input_shapes": to_builtins(self._input_shapes)},
            subject=str(self._path),
            timeout_s=TIMEOUT_S,
        )
        return _parse(str(self._path), answer)

    def outputs(self, inputs: tuple[Array, ...]) -> tuple[Array, ...]:
        try:
            session = self._runner.open(self._path, RunPlan(num_threads=1, timeout_s=TIMEOUT_S))
            try:
                return session.outputs(inputs)
            finally:
                session.close()
        except UnsupportedModelError as refused:
            if self._path.suffix != ".onnx":
                raise
            return self._imported_outputs(inputs, refused)

    def _imported_outputs(self, inputs: tuple[Array, ...], refused: UnsupportedModelError) -> tuple[Array, ...]:
        """Run what the importer makes of operators that onnxruntime has no kernels for: old sets, other float types.

        Raises:
            UnsupportedModelError: `refused`, where the importer does not take the file either.
        """
        source = _SourceModel(str(self._path), "onnx", ImportOptions(input_shapes=self._input_shapes))
        try:
            return source.outputs(inputs)
        except (UnsupportedModelError, FileFormatError):
            raise refused from None
        finally:
            source.close()

    def close(self) -> None:
        """Nothing stays open between calls."""


def _parse(source: str, answer: object) -> ModelFacts:
    return parse(ModelFacts, answer, source=source, error=InternalError)
