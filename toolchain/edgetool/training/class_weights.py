"""Weights of the classes of a task, for training from scratch."""

from __future__ import annotations

from edgetool.data.dataset import Array
from edgetool.errors import UsageError
from edgetool.passes.base import TrainingSettings
from edgetool.passes.class_weights import class_weights
from edgetool.tasks import Task

__all__ = ["balanced_weights"]


def balanced_weights(labels: Array | None, task: Task) -> Array:
    """Return the weight of each class, `[C]`; see `edgetool.passes.class_weights.class_weights`.

    Args:
        labels: The labels of the training split, as loaded; a label below 0 does not count.
        task: A task with classes.

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
    return class_weights(labels, TrainingSettings(loss=task.loss, per_position=task.per_position))
