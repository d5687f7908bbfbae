"""Losses and metrics of a task, as Keras 3 objects.

Imports Keras 3; only the training child reaches the functions that do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgetool.errors import UsageError
from edgetool.tasks import Task

if TYPE_CHECKING:
    import keras

__all__ = ["make_accuracy", "make_loss"]

#: Keras' own bound of probabilities before their logarithm.
EPSILON = 1e-7


def make_loss(task: Task, label_smoothing: float) -> Any:
    """Return the loss.

    Args:
        task: its loss by name, and whether outputs are logits.
        label_smoothing: share of each label that is spread over all classes (Szegedy et al. 2016, section 7).

    Raises:
        UsageError: label smoothing without classes.
    """
    import keras

    if label_smoothing > 0.0 and not task.has_classes:
        raise UsageError(
            "label smoothing",
            found=f"{label_smoothing:g} for {task.name}",
            expected="a task with classes",
            next_step="leave it out of the card's training.label_smoothing or of --label-smoothing",
        )
    if task.loss == "sparse_categorical_crossentropy":
        if label_smoothing > 0.0:
            return _smoothed_crossentropy(label_smoothing, from_logits=task.from_logits)
        return keras.losses.SparseCategoricalCrossentropy(from_logits=task.from_logits)
    if task.loss == "binary_crossentropy":
        return keras.losses.BinaryCrossentropy(from_logits=task.from_logits, label_smoothing=label_smoothing)
    return keras.losses.get(task.loss)


def make_accuracy(task: Task) -> list[keras.metrics.Metric]:
    """Return the accuracy as a list of one metric; empty for tasks without classes."""
    import keras

    if not task.has_classes:
        return []
    if task.loss == "binary_crossentropy":
        return [keras.metrics.BinaryAccuracy(name="accuracy", threshold=0.0 if task.from_logits else 0.5)]
    return [keras.metrics.SparseCategoricalAccuracy(name="accuracy")]


def _smoothed_crossentropy(share: float, *, from_logits: bool) -> keras.losses.Loss:
    """Return cross-entropy with smoothed labels, without one-hot vectors: a language model's would fill the memory."""
    import keras

    ops = keras.ops

    def smoothed(labels: keras.KerasTensor, outputs: keras.KerasTensor) -> keras.KerasTensor:
        logs = ops.log_softmax(outputs) if from_logits else ops.log(ops.clip(outputs, EPSILON, 1.0))
        labels = ops.cast(ops.reshape(labels, ops.shape(logs)[:-1]), "int32")
        right = ops.take_along_axis(logs, labels[..., None], axis=-1)[..., 0]
        return -(1.0 - share) * right - share * ops.mean(logs, axis=-1)

    class SmoothedCrossentropy(keras.losses.Loss):  # type: ignore[misc]
        def call(self, y_true: keras.KerasTensor, y_pred: keras.KerasTensor) -> keras.KerasTensor:
            return smoothed(y_true, y_pred)

    return SmoothedCrossentropy(name="smoothed_crossentropy")
