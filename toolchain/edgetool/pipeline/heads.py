"""The outputs of a model with several: whose labels are whose, and what stands in where there are none."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from edgetool.data.check import check_labels
from edgetool.data.dataset import Array, Dataset, Split
from edgetool.errors import DataError
from edgetool.importers.base import ImportedModel
from edgetool.passes.base import TrainingSettings
from edgetool.pipeline.source_labels import answers_as_labels, task_of_answers
from edgetool.tasks import Head, infer_task, output_activation

__all__ = ["find_heads", "head_settings", "labels_by_position", "name_heads"]


def name_heads(dataset: Dataset, names: Sequence[str]) -> Dataset:
    """Return `dataset` with the labels of each output under its number, those of the first one as `labels`.

    Args:
        dataset: as loaded: `heads` are keyed by what follows `y_train_`.
        names: of the model's outputs, in order.

    Raises:
        DataError: labels of an output that the model does not have.
    """
    splits = (dataset.train, dataset.val, dataset.test)
    train, val, test = (None if split is None else _named(dataset.name, split, names) for split in splits)
    return dataclasses.replace(dataset, train=train, val=val, test=test)


def _named(data: str, split: Split, names: Sequence[str]) -> Split:
    labels, heads = split.labels, {}
    for key, array in split.heads.items():
        index = _index(f"{data}: y_{split.name}_{key}", key, names)
        if index > 0:
            heads[str(index)] = array
        elif labels is None:
            labels = array
    return dataclasses.replace(split, labels=labels, heads=heads)


def _index(subject: str, key: str, names: Sequence[str]) -> int:
    if key in names:
        return list(names).index(key)
    scopes = [name.partition("/")[0] for name in names]  # of tensors that a converter named after a layer
    if scopes.count(key) == 1:
        return scopes.index(key)
    if key.isdigit() and int(key) < len(names):
        return int(key)
    raise DataError(
        subject,
        found="labels of an output that the model does not have",
        expected=f"one of {', '.join(names)}, or a number from 0 to {len(names) - 1}",
        next_step="rename the array, or leave it out",
    )


def labels_by_position(dataset: Dataset, output_shape: Sequence[int]) -> Dataset:
    """Return `dataset` with labels `[N, ...]`, one class a position, where they came as `[N, ..., 1]` or one-hot."""
    splits = (dataset.train, dataset.val, dataset.test)
    train, val, test = (
        split
        if split is None or split.labels is None
        else dataclasses.replace(split, labels=_by_position(split.labels, output_shape))
        for split in splits
    )
    return dataclasses.replace(dataset, train=train, val=val, test=test)


def _by_position(labels: Array, output_shape: Sequence[int]) -> Array:
    rank, width = len(output_shape), output_shape[-1]
    if rank < 3 or labels.ndim != rank:
        return labels
    integral = labels.dtype.kind in "iub"
    if labels.shape[-1] == 1 and integral and (width > 1 or int(labels.max()) <= 1):
        return labels[..., 0]
    is_one_hot = labels.shape[-1] == width > 1 and bool(((labels == 0) | (labels == 1)).all())
    if is_one_hot and bool((labels.sum(axis=-1) == 1).all()):
        return np.asarray(labels.argmax(axis=-1))
    return labels


def find_heads(dataset: Dataset, imported: ImportedModel) -> tuple[Dataset, tuple[Head, ...]]:
    """Return the outputs behind the first one, and `dataset` with labels for each in the validation and test splits.

    Args:
        dataset: preprocessed, with `heads` by number. Where the data have no labels for an output, the source's answers
            become its labels; the training split stays as it is, so that passes learn these answers instead.
        imported: the source model.
    """
    if len(imported.outputs) == 1:
        return dataset, ()
    answers = {
        split.name: [np.asarray(array) for array in imported.run(split.inputs)]
        for split in (dataset.val, dataset.test)
        if split is not None
    }
    heads: list[Head] = []
    for index in range(1, len(imported.outputs)):
        dataset, head = _find_head(dataset, imported, index, answers)
        heads.append(head)
    unlabelled = [head.name for head in heads if not head.is_labelled]
    if unlabelled:
        names = ", ".join(unlabelled)
        fact = f"{names}: no labels in the data; trained towards and scored against the source's answers"
        dataset = dataclasses.replace(dataset, facts={**dataset.facts, "outputs without labels": fact})
    return dataset, tuple(heads)


def _find_head(
    dataset: Dataset, imported: ImportedModel, index: int, answers: dict[str, list[Array]]
) -> tuple[Dataset, Head]:
    """Return what one output is for, and the data set with labels for it."""
    spec, activation = imported.outputs[index], output_activation(imported.model, index)
    alone = labels_by_position(_only(dataset, index), spec.shape)
    is_labelled = any(split is not None and split.labels is not None for split in (alone.train, alone.val, alone.test))
    kind = None if is_labelled else task_of_answers(next(iter(answers.values()))[index], activation)
    if kind is not None:
        val, test = (
            None
            if split is None
            else dataclasses.replace(split, labels=answers_as_labels(answers[split.name][index], kind))
            for split in (alone.val, alone.test)
        )
        alone = dataclasses.replace(alone, val=val, test=test)
    view = dataclasses.replace(imported, outputs=(spec,), last_activation=activation)
    task = infer_task(view, alone, task=kind, metric="r2" if kind == "regression" else None)
    for split in (alone.train, alone.val, alone.test):
        if split is not None and split.labels is not None:
            check_labels(f"{dataset.name}: y_{split.name}_{index}", split.labels, spec.shape, task.name)
    head = Head(
        name=spec.name,
        index=index,
        task=task.name,
        metric=task.metric,
        loss=task.loss,
        from_logits=task.from_logits,
        per_position=task.per_position,
        is_labelled=is_labelled,
    )
    return _with_labels(dataset, alone, index), head


def _only(dataset: Dataset, index: int) -> Dataset:
    """Return the data set with the labels of one output as its labels."""
    splits = (dataset.train, dataset.val, dataset.test)
    train, val, test = (
        None if split is None else dataclasses.replace(split, labels=split.heads.get(str(index))) for split in splits
    )
    return dataclasses.replace(dataset, train=train, val=val, test=test)


def _with_labels(dataset: Dataset, alone: Dataset, index: int) -> Dataset:
    """Return the data set with the labels of `alone` as those of one output."""

    def joined(split: Split | None, single: Split | None) -> Split | None:
        if split is None or single is None or single.labels is None:
            return split
        return dataclasses.replace(split, heads={**split.heads, str(index): single.labels})

    return dataclasses.replace(
        dataset,
        train=joined(dataset.train, alone.train),
        val=joined(dataset.val, alone.val),
        test=joined(dataset.test, alone.test),
    )


def head_settings(training: TrainingSettings, head: Head) -> TrainingSettings:
    """Return how an output behind the first one is trained."""
    return dataclasses.replace(
        training,
        loss=head.loss,
        from_logits=head.from_logits,
        per_position=head.per_position,
        balanced=training.balanced and head.has_classes,
        label_smoothing=training.label_smoothing if head.has_classes else 0.0,
    )
