"""What a model is fine-tuned towards: the labels, the answers of a teacher, or a mixture of both."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from edgetool.data.dataset import Array, Dataset
from edgetool.passes.base import TrainingSettings

if TYPE_CHECKING:
    import tensorflow as tf

__all__ = ["aim_at_inputs", "can_distil", "fit_labels", "loss_function", "mask_labels", "mix"]

#: tf_keras' own bound of probabilities before their logarithm.
EPSILON = 1e-7

#: Losses that are linear in the target, up to a constant: for these a mixture of targets is a mixture of losses.
LINEAR_LOSSES = ("sparse_categorical_crossentropy", "binary_crossentropy", "mse", "mean_squared_error")


def aim_at_inputs(dataset: Dataset) -> Dataset:
    """Return `dataset` with the first input of the training split as its labels: what reconstruction fine-tunes to."""
    if dataset.train is None:
        return dataset
    return dataclasses.replace(dataset, train=dataclasses.replace(dataset.train, labels=dataset.train.inputs[0]))


def can_distil(settings: TrainingSettings) -> bool:
    """Tell whether a teacher's answers can be mixed with labels under the loss."""
    return settings.loss in LINEAR_LOSSES


def fit_labels(labels: Array, settings: TrainingSettings) -> Array:
    """Return labels as the loss wants them: class numbers instead of one-hot, `[..., 1]` for one sigmoid."""
    if settings.per_position:
        return labels[..., None].astype(np.float32) if settings.loss == "binary_crossentropy" else labels
    if settings.loss == "sparse_categorical_crossentropy" and labels.ndim == 2:
        return np.asarray(labels.argmax(axis=1) if labels.shape[1] > 1 else labels[:, 0])
    if settings.loss == "binary_crossentropy" and labels.ndim == 1:
        return labels[:, None].astype(np.float32)
    return labels


def mask_labels(labels: Array, *, one_score: bool = False) -> tuple[Array, Array | None]:
    """Return labels without those below 0, and the weight of each position: 0 where it does not count.

    Args:
        labels: The labels of a batch, `[N, ...]`; `[N, ..., 1]` if one score stands for two classes.
        one_score: which of the two they are.

    Returns:
        labels with 0 in place of what does not count, and float32 weights `[N, ...]` with mean 1 (None where all
        positions count), so that the loss is the mean over the positions that do.
    """
    counts = (labels[..., 0] if one_score else labels) >= 0
    if counts.all():
        return labels, None
    weights = counts * (counts.size / max(1, int(counts.sum())))
    return np.maximum(labels, 0), weights.astype(np.float32)


def mix(labels: Array | None, answers: Array, share: float, settings: TrainingSettings) -> Array:
    """Return targets: `share` of the teacher's answers and the rest of the labels (Hinton et al. 2015, temperature 1).

    Args:
        labels: The labels of a batch, from `fit_labels`; None if the answers alone are the targets.
        answers: the teacher's output for the same samples: `[N, ..., classes]` for classes, else shaped as the labels.
        share: 0..1.
        settings: loss, whether answers are logits, and how much labels are smoothed.

    Returns:
        float32 in the shape of `answers`; classes as probabilities.
    """
    answers = np.asarray(answers, np.float64)
    if settings.loss == "sparse_categorical_crossentropy":
        if settings.from_logits:
            powers = np.exp(answers - answers.max(axis=-1, keepdims=True))
            answers = powers / powers.sum(axis=-1, keepdims=True)
        if labels is not None:
            labels = _smooth(np.eye(answers.shape[-1])[labels.astype(np.int64)], settings, answers.shape[-1])
    elif settings.loss == "binary_crossentropy":
        answers = 1.0 / (1.0 + np.exp(-answers)) if settings.from_logits else answers
        labels = None if labels is None else _smooth(labels, settings, 2)
    if labels is None:
        return np.asarray(answers, np.float32)
    mixed = share * answers + (1.0 - share) * labels.reshape(answers.shape)
    return np.asarray(mixed, np.float32)


def loss_function(settings: TrainingSettings, *, soft: bool) -> Any:
    """Return the tf_keras loss.

    Args:
        settings: its name, whether outputs are logits, and how much labels are smoothed.
        soft: targets come from `mix`: classes are probabilities, not numbers, and already smoothed.
    """
    import tf_keras

    name = settings.loss
    if name == "sparse_categorical_crossentropy" and soft:
        return tf_keras.losses.CategoricalCrossentropy(from_logits=settings.from_logits)
    if name == "sparse_categorical_crossentropy" and settings.label_smoothing > 0.0:
        return _smoothed_crossentropy(settings.label_smoothing, from_logits=settings.from_logits)
    if name == "sparse_categorical_crossentropy":
        return tf_keras.losses.SparseCategoricalCrossentropy(from_logits=settings.from_logits)
    if name == "binary_crossentropy":
        smoothing = 0.0 if soft else settings.label_smoothing
        return tf_keras.losses.BinaryCrossentropy(from_logits=settings.from_logits, label_smoothing=smoothing)
    return tf_keras.losses.get(name)


def _smooth(labels: Array, settings: TrainingSettings, num_classes: int) -> Array:
    """Return labels as probabilities, of which a share is spread over all classes (Szegedy et al. 2016, section 7)."""
    return np.asarray(labels * (1.0 - settings.label_smoothing) + settings.label_smoothing / num_classes)


def _smoothed_crossentropy(share: float, *, from_logits: bool) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    """Return cross-entropy with smoothed labels, without one-hot vectors: a language model's would fill the memory."""
    import tensorflow as tf

    def smoothed(labels: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        logs = tf.nn.log_softmax(outputs) if from_logits else tf.math.log(tf.clip_by_value(outputs, EPSILON, 1.0))
        labels = tf.cast(tf.reshape(labels, tf.shape(logs)[:-1]), tf.int32)
        right = tf.gather(logs, labels, axis=-1, batch_dims=logs.shape.rank - 1)
        return -(1.0 - share) * right - share * tf.reduce_mean(logs, axis=-1)

    return smoothed
