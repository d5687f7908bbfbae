"""What a model is for: found from its outputs and the labels, or stated by a card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from edgetool.data.dataset import Dataset
from edgetool.errors import UsageError, nearest

if TYPE_CHECKING:
    import keras
    import tf_keras

    from edgetool.data.dataset import Array

    class _WithOutputs(Protocol):
        """A Keras model, or what an importer gives."""

        @property
        def outputs(self) -> Sequence[Any]: ...


__all__ = [
    "METRICS",
    "TASKS",
    "Head",
    "Task",
    "drop_points",
    "in_points",
    "infer_task",
    "output_activation",
    "worst_allowed",
]

#: Task -> its usual metric.
TASKS = {
    "classification": "accuracy",
    "binary": "accuracy",
    "regression": "mae",
    "reconstruction": "mse",
    "language_model": "nats",
    "generation": "inception_score",
}

#: Metric -> whether larger is better.
METRICS = {
    "accuracy": True,
    "auc": True,
    "r2": True,
    "top5": True,
    "inception_score": True,
    "mae": False,
    "mse": False,
    "rmse": False,
    "nats": False,
}

#: Metrics whose drops count in points (hundredths); those of others count in percent.
IN_POINTS = frozenset({"accuracy", "auc", "r2", "top5"})

#: Tasks that need no labels: the inputs are the targets, or the outputs are judged by themselves.
WITHOUT_LABELS = frozenset({"reconstruction", "generation"})

#: Tasks whose outputs are scores of classes.
WITH_CLASSES = frozenset({"classification", "binary", "language_model"})


@dataclass(frozen=True, slots=True)
class Head:
    """An output behind the first one: what it is for, and what it is measured by.

    Attributes:
        name: of the output.
        index: of the output, from 1.
        task: a key of `TASKS`.
        metric: a key of `METRICS`.
        loss: tf_keras loss name.
        from_logits: as in `Task`.
        per_position: as in `Task`.
        is_labelled: the data have labels for it; otherwise the source model's own answers are its labels.
    """

    name: str
    index: int
    task: str
    metric: str
    loss: str
    from_logits: bool
    per_position: bool
    is_labelled: bool

    @property
    def has_classes(self) -> bool:
        """Whether the output is scores of classes."""
        return self.task in WITH_CLASSES


@dataclass(frozen=True, slots=True)
class Task:
    """A task, its metric, and the loss to fine-tune with.

    Attributes:
        name: `classification` (one output per class), `binary` (one output), `regression`, `reconstruction`,
            `language_model` (the next token at every position), `generation` (images of a latent vector).
        metric: a key of `METRICS`.
        loss: tf_keras loss name.
        from_logits: the last layer has no softmax or sigmoid.
        per_position: outputs are `[N, ..., C]` and labels `[N, ...]`, one class at each position or pixel; those with
            a label below 0 do not count.
        heads: outputs behind the first one.
    """

    name: str
    metric: str
    loss: str
    from_logits: bool
    per_position: bool = False
    heads: tuple[Head, ...] = ()

    @property
    def head_classes(self) -> tuple[bool, ...]:
        """Whether each output behind the first one is scores of classes."""
        return tuple(head.has_classes for head in self.heads)

    @property
    def needs_labels(self) -> bool:
        """Whether samples without labels are of no use."""
        return self.name not in WITHOUT_LABELS

    @property
    def has_classes(self) -> bool:
        """Whether outputs are scores of classes, so that answers can be counted."""
        return self.name in WITH_CLASSES


def infer_task(model: _WithOutputs, dataset: Dataset, *, task: str | None, metric: str | None) -> Task:
    """Find task, metric and loss.

    Args:
        model: a Keras model, or anything with `outputs` that states its `last_activation`; its first output decides.
        dataset: its labels decide between classification and regression.
        task: of the card or the command line; None: inferred.
        metric: likewise; None: the task's usual one.

    Raises:
        UsageError: an unknown task or metric.
    """
    name = task or _infer_name(model, dataset)
    if name not in TASKS:
        raise UsageError("--task", found=repr(name), expected="a known task", next_step=nearest(name, list(TASKS)))
    chosen = metric or TASKS[name]
    if chosen not in METRICS:
        raise UsageError(
            "--metric", found=repr(chosen), expected="a known metric", next_step=nearest(chosen, list(METRICS))
        )
    activation = _last_activation(model)
    per_position = _is_per_position(tuple(model.outputs[0].shape), _labels(dataset))
    if name in ("classification", "language_model"):
        return Task(name, chosen, "sparse_categorical_crossentropy", activation != "softmax", per_position)
    if name == "binary":
        return Task(name, chosen, "binary_crossentropy", activation != "sigmoid", per_position)
    return Task(name, chosen, "mse", False)


def in_points(metric: str) -> bool:
    """Tell whether a drop of `metric` counts in points; otherwise it counts in percent of the reference."""
    return metric in IN_POINTS


def drop_points(metric: str, reference: float, value: float) -> float:
    """Return how much worse `value` is than `reference`; negative: better.

    Accuracy, AUC and R2 in points (hundredths); errors, nats and scores without a bound in percent of the reference.
    """
    worse = reference - value if METRICS[metric] else value - reference
    return worse * 100.0 if in_points(metric) else worse / max(abs(reference), 1e-12) * 100.0


def worst_allowed(metric: str, reference: float, max_drop: float) -> float:
    """Return the value of `metric` that is `max_drop` (see `drop_points`) worse than `reference`."""
    allowed = max_drop / 100.0 if in_points(metric) else max_drop / 100.0 * abs(reference)
    return reference - allowed if METRICS[metric] else reference + allowed


def _labels(dataset: Dataset) -> Array | None:
    return next((s.labels for s in (dataset.test, dataset.val, dataset.train) if s is not None), None)


def _is_per_position(output_shape: tuple[int | None, ...], labels: Array | None) -> bool:
    """Tell `[N, L, C]`, and outputs of more axes whose labels have all but the last."""
    rank = len(output_shape)
    return rank == 3 or (rank > 3 and (labels is None or labels.ndim == rank - 1))


def _infer_name(model: _WithOutputs, dataset: Dataset) -> str:
    labels = _labels(dataset)
    if labels is None:
        return "reconstruction"
    output_shape = model.outputs[0].shape
    width = output_shape[-1]
    integral = labels.dtype.kind in "iub"
    if labels.ndim == 2 and labels.shape[1] == width and _is_one_hot(labels):
        return "classification"
    if width == 1 and integral and int(labels.max()) <= 1:
        return "binary"
    if integral and len(output_shape) >= 3 and labels.ndim == len(output_shape) - 1:
        return "binary" if width == 1 else "classification"
    if integral and labels.ndim <= 2 and width is not None and width > 1:
        return "classification"
    return "regression"


def _is_one_hot(labels: Array) -> bool:
    return bool(((labels == 0) | (labels == 1)).all() and (labels.sum(axis=-1) == 1).all())


def _last_activation(model: _WithOutputs) -> str:
    """Return the name of the activation that makes the first output; empty where it cannot be told."""
    stated = getattr(model, "last_activation", None)
    return stated if isinstance(stated, str) else output_activation(model, 0)


def output_activation(model: keras.Model | tf_keras.Model, index: int) -> str:
    """Return the name of the activation that makes an output of a Keras model; empty where it cannot be told."""
    layer = getattr(model.outputs[index], "_keras_history", [None])[0]
    if layer is None and not hasattr(model, "layers"):
        return ""
    layer = layer if layer is not None else model.layers[-1]
    inner = getattr(layer, "layer", layer)
    kind = type(inner).__name__
    if kind == "Softmax":
        return "softmax"
    return str(getattr(getattr(inner, "activation", None), "__name__", ""))
