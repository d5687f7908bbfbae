"""Weights that let every class count the same, however many samples it has."""

from __future__ import annotations

import numpy as np

from edgetool.data.dataset import Array
from edgetool.errors import UsageError
from edgetool.passes.base import TrainingSettings
from edgetool.passes.targets import fit_labels
from edgetool.tasks import Task

__all__ = ["balanced_weights", "weigh_labels"]


def balanced_weights(labels: Array | None, task: Task) -> Array:
    """Return the weight of each class: inverse to its number of labels, 1 on average over the labels.

    Args:
        labels: of the training split, as loaded, where the task has any; below 0: does not count.
        task: with classes.

    Returns:
        float32 `[C]`; 0 for a class without labels.

    Raises:
        UsageError: a task without classes.
    """
    if labels is None or not task.has_classes:
        raise UsageError(
            "balanced classes",
            found=f"the task {task.name}",
            expected="a task with classes",
            next_step="leave it out of the card's training.balanced, or give --not-balanced",
        )
    settings = TrainingSettings(loss=task.loss, per_position=task.per_position)
    numbers = fit_labels(labels, settings).astype(np.int64).ravel()
    counts = np.bincount(numbers[numbers >= 0])
    present = counts > 0
    weights = np.zeros(len(counts), np.float32)
    weights[present] = counts.sum() / (present.sum() * counts[present])
    return weights


def weigh_labels(labels: Array, class_weights: Array, weights: Array | None) -> Array:
    """Return the weight of each label of a batch.

    Args:
        labels: `[N]`, `[N, 1]`, `[N, L]` or `[N, L, 1]`; no label is below 0.
        class_weights: `[C]`.
        weights: of the positions, `[N, L]`, or None.

    Returns:
        float32, `[N]` or `[N, L]`.
    """
    if weights is None:
        return np.asarray(class_weights[labels.astype(np.int64).reshape(len(labels))])
    return np.asarray(class_weights[labels.astype(np.int64).reshape(weights.shape)] * weights)
