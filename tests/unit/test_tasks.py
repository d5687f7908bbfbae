"""What a model is for, told from its outputs and labels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from edgetool.data.dataset import Dataset, Split
from edgetool.errors import UsageError
from edgetool.tasks import drop_points, infer_task


@dataclass
class Activation:
    __name__: str = "softmax"


@dataclass
class Layer:
    activation: Any


@dataclass
class Output:
    shape: tuple[int | None, ...]


@dataclass
class Model:
    outputs: list[Output]
    layers: list[Layer] = field(default_factory=list)


def model(width: int, activation: str) -> Model:
    kind = Activation()
    kind.__name__ = activation
    return Model([Output((None, width))], [Layer(kind)])


def data(labels: Any) -> Dataset:
    labels = None if labels is None else np.asarray(labels)
    return Dataset("d", None, None, Split("test", (np.zeros((4, 2)),), labels))


@pytest.mark.parametrize(
    ("width", "activation", "labels", "task", "metric", "loss", "from_logits"),
    [
        (3, "softmax", [0, 2, 1, 0], "classification", "accuracy", "sparse_categorical_crossentropy", False),
        (3, "linear", [0, 2, 1, 0], "classification", "accuracy", "sparse_categorical_crossentropy", True),
        (3, "softmax", np.eye(3)[[0, 2, 1, 0]], "classification", "accuracy", "sparse_categorical_crossentropy", False),
        (1, "sigmoid", [0, 1, 1, 0], "binary", "accuracy", "binary_crossentropy", False),
        (1, "linear", [0.5, 1.5, 2.0, 3.0], "regression", "mae", "mse", False),
        (3, "linear", np.zeros((4, 3)) + 0.5, "regression", "mae", "mse", False),
        (8, "linear", None, "reconstruction", "mse", "mse", False),
    ],
)
def test_tasks_are_inferred(
    width: int, activation: str, labels: Any, task: str, metric: str, loss: str, from_logits: bool
) -> None:
    found = infer_task(model(width, activation), data(labels), task=None, metric=None)
    assert (found.name, found.metric, found.loss, found.from_logits) == (task, metric, loss, from_logits)


def test_what_is_stated_wins() -> None:
    found = infer_task(model(1, "sigmoid"), data([0, 1, 1, 0]), task="regression", metric="rmse")
    assert (found.name, found.metric) == ("regression", "rmse")


def test_unknown_names_get_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        infer_task(model(1, "sigmoid"), data([0, 1, 1, 0]), task="binry", metric=None)
    assert "'binary'" in caught.value.next_step


def test_drops_are_points_or_percent() -> None:
    assert drop_points("accuracy", 0.873, 0.868) == pytest.approx(0.5)
    assert drop_points("mae", 2.0, 2.1) == pytest.approx(5.0)
    assert drop_points("accuracy", 0.8, 0.9) < 0


def test_generation_is_stated_and_needs_no_labels() -> None:
    found = infer_task(model(8, "sigmoid"), data(None), task="generation", metric=None)
    assert (found.metric, found.needs_labels, found.has_classes) == ("inception_score", False, False)
    assert drop_points("inception_score", 8.0, 7.9) == pytest.approx(1.25)  # percent: the score has no unit
