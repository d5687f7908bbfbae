"""Labels where the data have none: the source model's own answers, so that a score is agreement with the source."""

from __future__ import annotations

import dataclasses

import numpy as np

from edgetool.data.dataset import Array, Dataset, Split
from edgetool.importers.base import ImportedModel
from edgetool.tasks import Task, infer_task
from edgetool.verify.files import has_classes

__all__ = ["NO_LABELS", "is_unlabelled", "label_by_source"]

NO_LABELS = (
    "the data have no labels: files are scored against the source model's own answers, so that accuracy is agreement "
    "with it, and R2 how much of its outputs' variance they keep"
)


def is_unlabelled(dataset: Dataset, imported: ImportedModel) -> bool:
    """Tell data without any labels for a model that does not give its input back."""
    splits = [split for split in (dataset.train, dataset.val, dataset.test) if split is not None]
    if any(split.labels is not None for split in splits):
        return False
    return imported.outputs[0].shape[1:] != imported.inputs[0].shape[1:]


def label_by_source(dataset: Dataset, imported: ImportedModel, metric: str | None) -> tuple[Dataset, Task]:
    """Return `dataset` with the source's answers as labels of the validation and the test split, and the task.

    Args:
        dataset: preprocessed, without labels. The training split, which only calibrates, stays as it is.
        imported: the source model.
        metric: that was asked for; None: the share of equal answers, or R2 where outputs are no classes.
    """
    outputs = {
        split.name: np.asarray(imported.run(split.inputs)[0])
        for split in (dataset.val, dataset.test)
        if split is not None
    }
    name = _task_name(next(iter(outputs.values())), imported) if outputs else "regression"
    labelled = dataclasses.replace(
        dataset,
        val=_labelled(dataset.val, outputs, name),
        test=_labelled(dataset.test, outputs, name),
        facts={**dataset.facts, "labels": NO_LABELS},
    )
    return labelled, infer_task(
        imported, labelled, task=name, metric=metric or ("r2" if name == "regression" else None)
    )


def _task_name(outputs: Array, imported: ImportedModel) -> str:
    if outputs.ndim == 2 and outputs.shape[1] == 1 and imported.last_activation == "sigmoid":
        return "binary"
    is_classes = outputs.ndim == 2 and outputs.shape[1] > 1
    if is_classes and (imported.last_activation == "softmax" or has_classes((outputs,), Split("source", (outputs,)))):
        return "classification"
    return "regression"


def _labelled(split: Split | None, outputs: dict[str, Array], task: str) -> Split | None:
    if split is None:
        return None
    found = outputs[split.name]
    if task == "classification":
        labels: Array = found.argmax(axis=-1)
    elif task == "binary":
        labels = (found[:, 0] > 0.5).astype(np.int64)
    else:
        labels = found
    return dataclasses.replace(split, labels=labels)
