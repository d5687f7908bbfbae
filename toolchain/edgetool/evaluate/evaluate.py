"""A task metric as a record for the manifest, from the outputs that an artefact gave."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from edgetool.data.dataset import Array, Split
from edgetool.errors import DataError
from edgetool.evaluate.metrics import Score, answers, score
from edgetool.evaluate.paired import compare_answers, compare_errors
from edgetool.runners.base import Runner, RunPlan
from edgetool.store.manifest import EvaluationRecord, PairedComparison

__all__ = ["evaluate_artifact", "evaluate_outputs"]


def evaluate_outputs(
    outputs: tuple[Array, ...],
    split: Split,
    *,
    metric: str,
    runtime: str,
    class_names: tuple[str, ...] = (),
    reference_outputs: tuple[Array, ...] | None = None,
) -> EvaluationRecord:
    """Return the metric of a model's first output on `split`.

    Args:
        outputs: of the model, each `[N, ...]`.
        split: its labels; without labels the inputs are the targets (reconstruction).
        metric: see `edgetool.evaluate.metrics.score`.
        runtime: what made the outputs, for the record.
        class_names: in label order.
        reference_outputs: of the source model on the same samples, for the paired comparison.

    Raises:
        DataError: NaN in the outputs, or shapes that do not fit.
    """
    labels = split.labels if split.labels is not None else np.asarray(split.inputs[0])
    found = score(metric, outputs[0], labels)
    paired = None
    if reference_outputs is not None:
        paired = _pair(found, outputs[0], score(metric, reference_outputs[0], labels), reference_outputs[0], labels)
    return EvaluationRecord(
        split=split.name,
        num_samples=len(labels),
        metric=metric,
        value=found.value,
        standard_error=found.standard_error,
        method=found.method,
        runtime=runtime,
        per_class=tuple(-1.0 if math.isnan(value) else value for value in found.per_class),
        class_names=class_names,
        paired=paired,
    )


def evaluate_artifact(
    path: Path,
    split: Split,
    *,
    metric: str,
    runner: Runner,
    class_names: tuple[str, ...] = (),
    reference_outputs: tuple[Array, ...] | None = None,
) -> EvaluationRecord:
    """Run the artefact itself on `split`, batched, in a process of its own, and return its metric.

    Raises:
        EdgetoolError: the runner's, or as `evaluate_outputs`.
    """
    session = runner.open(path, RunPlan(num_threads=1, timeout_s=3600.0))
    try:
        outputs = session.outputs(split.inputs)
        runtime = session.runtime
    finally:
        session.close()
    if not outputs:
        raise DataError(str(path), found="no output", expected="one at least", next_step="export the model again")
    return evaluate_outputs(
        outputs,
        split,
        metric=metric,
        runtime=runtime,
        class_names=class_names,
        reference_outputs=reference_outputs,
    )


def _pair(
    found: Score, outputs: Array, reference: Score, reference_outputs: Array, labels: Array
) -> PairedComparison | None:
    if found.errors is not None and reference.errors is not None:
        return compare_errors("source", reference.errors, found.errors)
    before, after = answers(reference_outputs), answers(outputs)
    truth = labels.argmax(axis=1) if labels.ndim == 2 and labels.shape[1] > 1 else labels.reshape(len(labels))
    return compare_answers("source", before, after, truth)
