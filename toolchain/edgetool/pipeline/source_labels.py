"""Labels where the data have none: the source model's own answers, so that a score is agreement with the source."""

from __future__ import annotations

import dataclasses

import numpy as np

from edgetool.data.dataset import Array, Dataset, Split
from edgetool.importers.base import ImportedModel
from edgetool.tasks import Task, infer_task
from edgetool.verify.files import has_classes

__all__ = ["answers_as_labels", "is_unlabelled", "label_by_source", "task_of_answers"]


def is_unlabelled(dataset: Dataset, imported: ImportedModel) -> bool:
    """Tell data without labels of the first output, for a model that does not give its input back."""
    splits = [split for split in (dataset.train, dataset.val, dataset.test) if split is not None]
    if any(split.labels is not None for split in splits):
        return False
    if any(split.heads for split in splits):
        return True
    return imported.outputs[0].shape[1:] != imported.inputs[0].shape[1:]


def label_by_source(dataset: Dataset, imported: ImportedModel, metric: str | None) -> tuple[Dataset, Task]:
    """Return `dataset` with the source's answers as labels of the validation and the test split, and the task.

    Args:
        dataset: preprocessed, without labels. The training split stays as it is: passes learn the source's answers.
        imported: the source model.
        metric: that was asked for; None: the share of equal answers, or R2 where outputs are no classes.
    """
    outputs = {
        split.name: np.asarray(imported.run(split.inputs)[0])
        for split in (dataset.val, dataset.test)
        if split is not None
    }
    name = task_of_answers(next(iter(outputs.values())), imported.last_activation) if outputs else "regression"
    labelled = dataclasses.replace(
        dataset,
        val=_labelled(dataset.val, outputs, name),
        test=_labelled(dataset.test, outputs, name),
    )
    return labelled, infer_task(
        imported, labelled, task=name, metric=metric or ("r2" if name == "regression" else None)
    )


def task_of_answers(outputs: Array, last_activation: str) -> str:
    """Return what an output is for, told by its values `[N, ...]` and the activation that makes them."""
    if outputs.ndim == 2 and outputs.shape[1] == 1 and last_activation == "sigmoid":
        return "binary"
    if outputs.ndim >= 2 and outputs.shape[-1] > 1 and last_activation == "softmax":
        return "classification"
    return "classification" if has_classes((outputs,), Split("source", (outputs,))) else "regression"


def _labelled(split: Split | None, outputs: dict[str, Array], task: str) -> Split | None:
    if split is None:
        return None
    return dataclasses.replace(split, labels=answers_as_labels(outputs[split.name], task))


def answers_as_labels(answers: Array, task: str) -> Array:
    """Return what a model answered as labels: class numbers, or its values."""
    if task == "classification":
        return np.asarray(answers.argmax(axis=-1))
    if task == "binary":
        return np.asarray((answers[:, 0] > 0.5).astype(np.int64))
    return answers
