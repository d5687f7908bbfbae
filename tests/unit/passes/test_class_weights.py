"""How much each label of a batch counts."""

from __future__ import annotations

import numpy as np

from edgetool.passes.base import TrainingSettings
from edgetool.passes.class_weights import class_weights, weigh_batch, weigh_labels

CLASSES = TrainingSettings()
POSITIONS = TrainingSettings(per_position=True)


def test_every_class_weighs_the_same_in_sum() -> None:
    labels = np.repeat([0, 1, 2], [60, 30, 10])
    weights = class_weights(labels, CLASSES)
    np.testing.assert_allclose(np.bincount(labels, weights[labels]), 100 / 3, rtol=1e-6)


def test_labels_are_weighed_in_any_shape() -> None:
    weights = np.array([0.5, 2.0], np.float32)
    np.testing.assert_array_equal(weigh_labels(np.array([0, 1]), weights, None), [0.5, 2.0])
    np.testing.assert_array_equal(weigh_labels(np.array([[0.0], [1.0]]), weights, None), [0.5, 2.0])
    positions = np.array([[1.5, 0.0]], np.float32)
    np.testing.assert_array_equal(weigh_labels(np.array([[1, 0]]), weights, positions), [[3.0, 0.0]])
    np.testing.assert_array_equal(weigh_labels(np.array([[[1.0], [0.0]]]), weights, positions), [[3.0, 0.0]])


def test_without_class_weights_only_positions_count() -> None:
    labels, weights = weigh_batch(np.array([1, 0]), CLASSES, None)
    assert weights is None and labels.tolist() == [1, 0]
    labels, weights = weigh_batch(np.array([[1, -1]]), POSITIONS, None)
    assert labels.tolist() == [[1, 0]] and weights is not None and weights.tolist() == [[2.0, 0.0]]


def test_classes_and_positions_weigh_together() -> None:
    weights = np.array([0.5, 2.0], np.float32)
    assert np.array_equal(weigh_batch(np.array([[0.0], [1.0]]), CLASSES, weights)[1], [0.5, 2.0])
    assert np.array_equal(weigh_batch(np.array([[1, 0]]), POSITIONS, weights)[1], [[2.0, 0.5]])
    labels, found = weigh_batch(np.array([[1, -1]]), POSITIONS, weights)
    np.testing.assert_array_equal(found, [[4.0, 0.0]])
    assert labels.min() >= 0
