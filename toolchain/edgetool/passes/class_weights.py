"""Weights that let every class count the same, however many samples it has."""

from __future__ import annotations

import numpy as np

from edgetool.data.dataset import Array
from edgetool.passes.base import TrainingSettings
from edgetool.passes.targets import fit_labels, mask_labels

__all__ = ["class_weights", "weigh_batch", "weigh_labels"]


def class_weights(labels: Array, settings: TrainingSettings) -> Array:
    """Return the weight of each class: inverse to its number of labels, 1 on average over the labels.

    Args:
        labels: The labels of the training split, as loaded; a label below 0 does not count.
        settings: The settings of a task with classes.

    Returns:
        float32 `[C]`; 0 for a class without labels.
    """
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
        weights: The weights of the positions, `[N, L]`, or None.

    Returns:
        float32, `[N]` or `[N, L]`.
    """
    if weights is None:
        return np.asarray(class_weights[labels.astype(np.int64).reshape(len(labels))])
    return np.asarray(class_weights[labels.astype(np.int64).reshape(weights.shape)] * weights)


def weigh_batch(labels: Array, settings: TrainingSettings, weights: Array | None) -> tuple[Array, Array | None]:
    """Return the labels of a batch without those below 0, and how much each counts; None: all the same.

    Args:
        labels: The labels that `fit_labels` gave.
        settings: whether there is one at every position.
        weights: The weights of the classes, or None.
    """
    positions = None
    if settings.per_position:
        labels, positions = mask_labels(labels, one_score=settings.loss == "binary_crossentropy")
    if weights is None:
        return labels, positions
    if settings.per_position and positions is None:
        one_score = settings.loss == "binary_crossentropy"
        positions = np.ones(labels.shape[:-1] if one_score else labels.shape, np.float32)
    return labels, weigh_labels(labels, weights, positions)
