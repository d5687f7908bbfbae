"""A task metric as a record for the manifest, from the outputs that an artefact gave."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Literal

import numpy as np

from edgetool.data.dataset import Array, Split
from edgetool.errors import DataError
from edgetool.evaluate.metrics import score
from edgetool.evaluate.paired import compare_scores
from edgetool.evaluate.positions import by_sequence, flatten_positions, is_per_position
from edgetool.evaluate.score import Score
from edgetool.records import EvaluationRecord, HeadRecord
from edgetool.runners.base import Runner, RunPlan
from edgetool.tasks import Head, drop_points

__all__ = ["evaluate_artifact", "evaluate_outputs"]

#: Metrics that compare outputs with targets of the same shape, so that inputs can be the targets.
ERROR_METRICS = frozenset({"mae", "mse", "rmse", "r2"})

#: Metrics that judge outputs by themselves.
WITHOUT_TARGETS = frozenset({"inception_score"})


def evaluate_outputs(
    outputs: tuple[Array, ...],
    split: Split,
    *,
    metric: str,
    runtime: str,
    task: str | None = None,
    class_names: tuple[str, ...] = (),
    reference_outputs: tuple[Array, ...] | None = None,
    reference_name: str = "source",
    from_logits: bool | None = None,
    heads: tuple[Head, ...] = (),
) -> EvaluationRecord:
    """Return the metric of a model's first output on `split`, and that of each of `heads`.

    Args:
        outputs: of the model, each `[N, ...]`.
        split: its labels; without labels the first input is the target (reconstruction), or there is none (generation).
        metric: see `edgetool.evaluate.metrics.score`.
        runtime: what made the outputs, for the record.
        task: a key of `edgetool.tasks.TASKS`; `reconstruction` takes the first input as target, labels or not.
        class_names: in label order.
        reference_outputs: of the model that is trusted, on the same samples, for the paired comparison.
        reference_name: what it is called.
        from_logits: see `edgetool.evaluate.metrics.score`; None: decided by the reference's outputs where there are
            any, so that both models answer by the same threshold.
        heads: outputs behind the first one; the split has labels for each.

    Raises:
        DataError: NaN in the outputs, or shapes, counts or labels that do not fit.
        UsageError: an unknown metric.
    """
    if not outputs:
        raise DataError(runtime, found="no output", expected="one at least", next_step="export the model again")
    labels = _targets(split, metric, task)
    if from_logits is None:
        trusted = outputs[0] if reference_outputs is None else reference_outputs[0]
        from_logits = bool(trusted.size and (trusted.min() < 0.0 or trusted.max() > 1.0))
    found = _score(metric, outputs[0], labels, from_logits)
    paired = None
    if reference_outputs is not None:
        reference = _score(metric, reference_outputs[0], labels, from_logits)
        paired = compare_scores(reference_name, reference, found)
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
        heads=tuple(_evaluate_head(head, outputs, split, reference_outputs) for head in heads),
        generation=found.generation,
    )


def _evaluate_head(
    head: Head, outputs: tuple[Array, ...], split: Split, reference_outputs: tuple[Array, ...] | None
) -> HeadRecord:
    """Return the metric of one further output, and its drop against the reference."""
    labels = split.heads[str(head.index)]
    found = _score(head.metric, outputs[head.index], labels, head.from_logits)
    drop = None
    if reference_outputs is not None:
        reference = _score(head.metric, reference_outputs[head.index], labels, head.from_logits)
        drop = drop_points(head.metric, reference.value, found.value)
    origin: Literal["data", "source"] = "data" if head.is_labelled else "source"
    return HeadRecord(head.name, head.metric, found.value, found.standard_error, origin, drop)


def evaluate_artifact(
    path: Path,
    split: Split,
    *,
    metric: str,
    runner: Runner,
    task: str | None = None,
    class_names: tuple[str, ...] = (),
    reference_outputs: tuple[Array, ...] | None = None,
    num_threads: int = 1,
    timeout_s: float | None = 3600.0,
) -> tuple[EvaluationRecord, tuple[Array, ...]]:
    """Run the artefact itself on `split`, batched, in a process of its own.

    Returns:
        Its metric, and its outputs, each `[N, ...]`: the reference of later comparisons.

    Raises:
        EdgetoolError: the runner's, or as `evaluate_outputs`.
    """
    session = runner.open(path, RunPlan(num_threads=num_threads, timeout_s=timeout_s))
    try:
        outputs = session.outputs(split.inputs)
        runtime = session.runtime
    finally:
        session.close()
    record = evaluate_outputs(
        outputs,
        split,
        metric=metric,
        runtime=runtime,
        task=task,
        class_names=class_names,
        reference_outputs=reference_outputs,
    )
    return dataclasses.replace(record, machine=runner.probe().key), outputs


def _score(metric: str, outputs: Array, labels: Array, from_logits: bool) -> Score:
    """Return the score over samples, or over the positions that count of models that answer at each position."""
    if not is_per_position(outputs, labels):
        return score(metric, outputs, labels, from_logits=from_logits)
    flat, flat_labels, sequences = flatten_positions(outputs, labels)
    return by_sequence(score(metric, flat, flat_labels, from_logits=from_logits), sequences)


def _targets(split: Split, metric: str, task: str | None) -> Array:
    """Return the labels, or the first input where the model is to give it back or where there is no target at all."""
    if metric in WITHOUT_TARGETS:
        return np.asarray(split.inputs[0])
    if split.labels is not None and task != "reconstruction":
        return split.labels
    if metric not in ERROR_METRICS:
        raise DataError(
            f"split {split.name!r}",
            found="no labels",
            expected=f"labels, which {metric} needs",
            next_step="add labels to the data, or use --metric mse to compare the outputs with the inputs",
        )
    return np.asarray(split.inputs[0])
