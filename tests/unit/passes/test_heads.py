"""Targets of several outputs: labels where there are some, else the answers of the model as it came."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgetool.data.dataset import Dataset, Split
from edgetool.errors import PassError
from edgetool.passes.base import Context, TrainingSettings
from edgetool.passes.heads import head_targets, loss_weights

X = np.arange(12, dtype=np.float32).reshape(6, 2)
ANSWERS = [np.full((6, 3), 1 / 3, np.float32), X * 10.0]
CLASSES = TrainingSettings()
VALUES = TrainingSettings(loss="mse")


class Teacher:
    outputs = (None, None)

    def predict(self, inputs: Any, verbose: int) -> Any:
        assert verbose == 0 and len(inputs) == 6
        return ANSWERS


def context(train: Split, *heads: TrainingSettings) -> Context:
    return Context(Dataset("d", train, None, None), CLASSES, 0, Path(), lambda *_: None, heads)


def test_labels_where_there_are_some_and_answers_where_there_are_none() -> None:
    train = Split("train", (X,), np.array([0, 1, 2, 0, 1, 2]))
    first, second = head_targets(train, context(train, VALUES), Teacher(), 0.0)
    labels, weights = first.batch(np.array([1, 2]), None)
    assert labels.tolist() == [1, 2] and weights is None and not first.is_soft
    targets, _ = second.batch(np.array([1, 2]), ANSWERS[1][[1, 2]])
    np.testing.assert_array_equal(targets, X[[1, 2]] * 10.0)
    assert second.is_soft


def test_a_share_of_answers_is_mixed_into_labels() -> None:
    train = Split("train", (X,), np.array([0, 1, 2, 0, 1, 2]), {"1": X})
    first, second = head_targets(train, context(train, VALUES), Teacher(), 0.5)
    mixed, _ = first.batch(np.array([0]), ANSWERS[0][:1])
    np.testing.assert_allclose(mixed, [[2 / 3, 1 / 6, 1 / 6]], rtol=1e-6)
    mixed, _ = second.batch(np.array([1]), ANSWERS[1][1:2])
    np.testing.assert_allclose(mixed, X[1:2] * 5.5, rtol=1e-6)


def test_an_output_that_nothing_is_known_of_learns_the_values_of_the_teacher() -> None:
    train = Split("train", (X,), None)
    first, second = head_targets(train, context(train), Teacher(), 0.0)
    assert first.labels is None and second.settings.loss == "mse"


def test_without_labels_and_teacher_there_is_nothing_to_learn() -> None:
    train = Split("train", (X,), None)
    with pytest.raises(PassError, match="output 0: no labels"):
        head_targets(train, context(train), None, 0.0)


def test_squared_errors_count_in_units_of_the_variance_of_their_targets() -> None:
    train = Split("train", (X,), np.array([0, 1, 2, 0, 1, 2]))
    heads = head_targets(train, context(train, VALUES), Teacher(), 0.0)
    assert loss_weights(heads, train, Teacher()) == [1.0, pytest.approx(1.0 / float(ANSWERS[1].var(axis=0).mean()))]
    assert loss_weights(heads[:1], train, None) == [1.0]
