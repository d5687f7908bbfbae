"""What each output of a model is trained towards: its labels, the answers of a teacher, or a mixture of both."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edgetool.data.dataset import Array, Split
from edgetool.errors import PassError
from edgetool.passes.base import Context, TrainingSettings
from edgetool.passes.class_weights import class_weights, weigh_batch
from edgetool.passes.targets import can_distil, fit_labels, loss_function, mix

if TYPE_CHECKING:
    import tf_keras

__all__ = ["HeadTargets", "head_targets", "loss_weights"]

#: Answers of the teacher that the variance of an output is taken from.
VARIANCE_SAMPLES = 256


@dataclass(frozen=True, slots=True)
class HeadTargets:
    """Targets of one output.

    Attributes:
        settings: its loss.
        labels: The labels of all samples, from `fit_labels`; None if the teacher's answers are the targets.
        share: The share of the teacher's answers in the targets, 0..1.
        of_classes: weight of each class; None: all the same.
    """

    settings: TrainingSettings
    labels: Array | None
    share: float
    of_classes: Array | None

    @property
    def is_soft(self) -> bool:
        """Whether targets come from `mix`."""
        return self.share > 0.0

    def loss(self) -> Any:
        """Return the tf_keras loss."""
        return loss_function(self.settings, soft=self.is_soft)

    def batch(self, chosen: Array, answers: Array | None) -> tuple[Array, Array | None]:
        """Return the targets of the samples `chosen`, and how much each counts; None: all the same.

        Args:
            chosen: indices of samples.
            answers: The teacher's answers for the batch; None if none are mixed in.
        """
        if self.labels is None:
            assert answers is not None
            return mix(None, answers, 1.0, self.settings), None
        labels, weights = weigh_batch(self.labels[chosen], self.settings, self.of_classes)
        if self.is_soft and answers is not None:
            labels = mix(labels, answers, self.share, self.settings)
        return labels, weights


def head_targets(
    train: Split, context: Context, teacher: tf_keras.Model | None, distillation: float
) -> list[HeadTargets]:
    """Return the targets of every output; one that the context has no settings for learns the teacher's values.

    Args:
        train: what is trained on; its `heads` are keyed by the number of the output.
        context: settings.
        teacher: tf_keras model; without one every output needs labels.
        distillation: share of the teacher's answers where there are labels.

    Raises:
        PassError: an output has neither labels nor a teacher.
    """
    targets = []
    unknown = dataclasses.replace(context.training, loss="mse", from_logits=False, per_position=False, balanced=False)
    num_unknown = 0 if teacher is None else len(teacher.outputs) - 1 - len(context.heads)
    for index, settings in enumerate((context.training, *context.heads, *[unknown] * num_unknown)):
        given = train.labels if index == 0 else train.heads.get(str(index))
        if given is None and teacher is None:
            raise PassError(
                f"output {index}",
                found="no labels",
                expected="labels, or a model whose answers are learned",
                next_step="give --data with y_train",
            )
        if given is None:
            targets.append(HeadTargets(settings, None, 1.0, None))
            continue
        labels = fit_labels(np.asarray(given), settings)
        share = distillation if teacher is not None and can_distil(settings) else 0.0
        of_classes = class_weights(np.asarray(given), settings) if settings.balanced else None
        targets.append(HeadTargets(settings, labels, share, of_classes))
    return targets


def loss_weights(heads: list[HeadTargets], train: Split, teacher: tf_keras.Model | None) -> list[float]:
    """Return the weight of each output's loss: squared errors count in units of the targets' variance.

    So an output of temperatures does not drown one of classes, whose cross-entropy is about 1.
    """
    if len(heads) == 1:
        return [1.0]
    answers: list[Any] = []
    if teacher is not None:
        inputs = list(train.take(VARIANCE_SAMPLES, seed=0).inputs)
        answers = teacher.predict(inputs if len(inputs) > 1 else inputs[0], verbose=0)
    weights = []
    for index, head in enumerate(heads):
        values = head.labels if head.labels is not None else answers[index]
        is_error = head.settings.loss in ("mse", "mean_squared_error")
        weights.append(1.0 / _variance(np.asarray(values)) if is_error else 1.0)
    return weights


def _variance(values: Array) -> float:
    """Return the mean variance of the elements of `[N, ...]`, or a small part of their power where they do not vary."""
    exact = values.astype(np.float64)
    return max(float(exact.var(axis=0).mean()), 1e-4 * float((exact**2).mean()), 1e-6)
