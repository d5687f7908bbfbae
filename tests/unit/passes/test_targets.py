"""What a model is fine-tuned towards."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgetool.data.dataset import Dataset, Split
from edgetool.passes.base import TrainingSettings
from edgetool.passes.targets import aim_at_inputs, can_distil, fit_labels, mix

CLASSES = TrainingSettings()
LOGITS = TrainingSettings(from_logits=True)
BINARY = TrainingSettings(loss="binary_crossentropy", from_logits=True)
MSE = TrainingSettings(loss="mse")


@pytest.mark.parametrize(
    ("labels", "settings", "expected"),
    [
        (np.array([2, 0]), CLASSES, [2, 0]),
        (np.array([[0, 0, 1], [1, 0, 0]]), CLASSES, [2, 0]),
        (np.array([[2], [0]]), CLASSES, [2, 0]),
        (np.array([1, 0]), BINARY, [[1.0], [0.0]]),
        (np.array([0.5, 1.5]), MSE, [0.5, 1.5]),
    ],
)
def test_labels_take_the_shape_that_the_loss_wants(labels: Any, settings: TrainingSettings, expected: Any) -> None:
    found = fit_labels(labels, settings)
    assert found.shape == np.shape(expected)
    np.testing.assert_array_equal(found, expected)


def test_a_mixture_lies_between_the_answers_and_the_labels() -> None:
    answers = np.array([[0.5, 0.25, 0.25]], np.float32)
    np.testing.assert_array_equal(mix(np.array([2]), answers, 1.0, CLASSES), answers)
    np.testing.assert_array_equal(mix(np.array([2]), answers, 0.0, CLASSES), [[0, 0, 1]])
    np.testing.assert_allclose(mix(np.array([2]), answers, 0.5, CLASSES), [[0.25, 0.125, 0.625]])


def test_smoothed_labels_are_mixed() -> None:
    answers = np.array([[0.5, 0.5, 0.0, 0.0]])
    smooth = TrainingSettings(label_smoothing=0.2)
    np.testing.assert_allclose(mix(np.array([2]), answers, 0.0, smooth), [[0.05, 0.05, 0.85, 0.05]])
    np.testing.assert_allclose(mix(np.array([2]), answers, 1.0, smooth), answers)
    binary = TrainingSettings(loss="binary_crossentropy", label_smoothing=0.2)
    np.testing.assert_allclose(mix(np.array([[1.0]]), np.array([[0.3]]), 0.0, binary), [[0.9]], rtol=1e-6)


def test_logits_become_probabilities() -> None:
    found = mix(np.array([0]), np.array([[1000.0, 1000.0, -1000.0]]), 1.0, LOGITS)
    np.testing.assert_allclose(found, [[0.5, 0.5, 0.0]])
    assert mix(np.array([[1.0]]), np.array([[0.0]]), 0.5, BINARY) == pytest.approx(0.75)


def test_classes_at_every_position() -> None:
    answers = np.full((2, 3, 4), 0.25)
    found = mix(np.array([[0, 1, 2], [3, 0, 1]]), answers, 0.5, CLASSES)
    assert found.shape == (2, 3, 4) and found.dtype == np.float32
    np.testing.assert_allclose(found.sum(axis=-1), 1.0)
    assert found[1, 0].argmax() == 3


def test_regression_labels_without_a_last_axis() -> None:
    np.testing.assert_allclose(mix(np.array([1.0, 2.0]), np.array([[3.0], [4.0]]), 0.5, MSE), [[2.0], [3.0]])


@pytest.mark.parametrize(
    ("loss", "expected"), [("sparse_categorical_crossentropy", True), ("mse", True), ("mae", False)]
)
def test_under_which_losses_answers_mix_with_labels(loss: str, expected: bool) -> None:
    assert can_distil(TrainingSettings(loss=loss)) is expected


def test_reconstruction_is_fine_tuned_towards_its_inputs() -> None:
    x = np.arange(6.0).reshape(3, 2)
    train, val = Split("train", (x,), np.array([0, 1, 2])), Split("val", (x[:1],))
    found = aim_at_inputs(Dataset("frames", train, val, None))
    assert found.train is not None
    np.testing.assert_array_equal(found.train.labels, x)
    assert found.val is val and aim_at_inputs(Dataset("frames", None, val, None)).train is None
