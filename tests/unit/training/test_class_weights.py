"""Weights that let every class count the same."""

from __future__ import annotations

import numpy as np
import pytest

from edgetool.errors import UsageError
from edgetool.tasks import Task
from edgetool.training.class_weights import balanced_weights

CLASSES = Task("classification", "accuracy", "sparse_categorical_crossentropy", False)
POSITIONS = Task("classification", "accuracy", "sparse_categorical_crossentropy", False, per_position=True)
BINARY = Task("binary", "auc", "binary_crossentropy", False)
BINARY_POSITIONS = Task("binary", "auc", "binary_crossentropy", False, per_position=True)
REGRESSION = Task("regression", "mae", "mse", False)


def test_every_class_weighs_the_same_in_sum_and_the_mean_is_one() -> None:
    labels = np.repeat([0, 1, 2], [60, 30, 10])
    weights = balanced_weights(labels, CLASSES)
    sums = np.bincount(labels, weights[labels])
    np.testing.assert_allclose(sums, 100 / 3, rtol=1e-6)
    assert weights.dtype == np.float32 and weights[labels].mean() == pytest.approx(1.0)


def test_one_hot_labels_and_those_of_one_sigmoid() -> None:
    np.testing.assert_allclose(balanced_weights(np.eye(2)[[0, 0, 0, 1]], CLASSES), [2 / 3, 2.0])
    np.testing.assert_allclose(balanced_weights(np.array([0, 0, 0, 1]), BINARY), [2 / 3, 2.0])


@pytest.mark.parametrize("task", [POSITIONS, BINARY_POSITIONS])
def test_positions_that_do_not_count_are_left_out(task: Task) -> None:
    np.testing.assert_allclose(balanced_weights(np.array([[0, 0, 0], [1, -1, -1]]), task), [2 / 3, 2.0])


def test_a_class_without_labels_weighs_nothing() -> None:
    np.testing.assert_allclose(balanced_weights(np.array([0, 2]), CLASSES), [1.0, 0.0, 1.0])


@pytest.mark.parametrize("labels", [None, np.array([0.5, 1.5])])
def test_without_classes_it_is_refused(labels: np.ndarray | None) -> None:
    with pytest.raises(UsageError, match=r"the task regression.*--not-balanced"):
        balanced_weights(labels, REGRESSION)
