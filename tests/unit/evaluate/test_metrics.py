"""Metrics against hand-made cases and scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest

from edgetool.errors import DataError, UsageError
from edgetool.evaluate.metrics import METRICS, answers, score
from edgetool.tasks import METRICS as KNOWN_METRICS


def test_every_metric_that_a_task_may_have_is_implemented() -> None:
    assert set(METRICS) == set(KNOWN_METRICS)


def test_accuracy_with_class_numbers() -> None:
    outputs = np.array([[0.9, 0.1, 0.0], [0.2, 0.7, 0.1], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4]], np.float32)
    found = score("accuracy", outputs, np.array([0, 1, 2, 2], np.uint8))
    assert found.value == 0.75
    assert found.standard_error == pytest.approx(math.sqrt(0.75 * 0.25 / 4))
    assert found.per_class == (1.0, 1.0, 0.5)
    assert found.correct is not None and found.correct.tolist() == [True, True, False, True]


def test_accuracy_is_the_same_for_one_hot_labels_and_for_logits() -> None:
    random = np.random.default_rng(0)
    logits, labels = random.normal(size=(50, 4)), random.integers(0, 4, 50)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    expected = score("accuracy", logits, labels)
    assert score("accuracy", probabilities, np.eye(4)[labels]).value == expected.value
    assert expected.value == (logits.argmax(1) == labels).mean()


def test_a_class_without_samples_has_no_accuracy() -> None:
    found = score("accuracy", np.eye(3), np.array([0, 1, 0]))
    assert math.isnan(found.per_class[2])


def test_perfect_accuracy_does_not_claim_certainty() -> None:
    found = score("accuracy", np.eye(3), np.arange(3))
    assert found.value == 1.0
    assert found.standard_error == pytest.approx(0.125)
    assert "Wilson" in found.method


def test_one_sigmoid_output_is_cut_at_one_half() -> None:
    outputs, labels = np.array([[0.2], [0.6], [0.51], [0.4]]), np.array([0, 1, 0, 1])
    found = score("accuracy", outputs, labels)
    assert found.value == 0.5
    assert found.per_class == (0.5, 0.5)
    assert score("accuracy", outputs[:, 0], np.eye(2)[labels]).value == 0.5


def test_one_logit_is_cut_at_zero() -> None:
    assert answers(np.array([[-0.1], [0.3], [2.0]])).tolist() == [0, 1, 1]
    assert answers(np.array([[0.1], [0.3]]), from_logits=True).tolist() == [1, 1]
    assert answers(np.array([[-0.1], [0.3]]), from_logits=False).tolist() == [0, 0]


def test_top5_counts_the_five_best() -> None:
    outputs = np.tile(np.arange(10.0), (3, 1))
    found = score("top5", outputs, np.array([9, 5, 4]))
    assert found.value == pytest.approx(2 / 3)
    with pytest.raises(DataError, match="every answer is right"):
        score("top5", outputs[:, :5], np.array([0, 1, 2]))


def test_auc_equals_the_share_of_ordered_pairs_and_its_error_is_delongs() -> None:
    random = np.random.default_rng(1)
    labels = np.array([0] * 30 + [1] * 20)
    scores = np.round(random.normal(labels, 1.0), 1)  # rounded: ties
    positives, negatives = scores[labels == 1], scores[labels == 0]
    above = (positives[:, None] > negatives) + 0.5 * (positives[:, None] == negatives)
    found = score("auc", scores, labels)
    assert found.value == pytest.approx(above.mean())
    variance = above.mean(axis=1).var(ddof=1) / 20 + above.mean(axis=0).var(ddof=1) / 30
    assert found.standard_error == pytest.approx(math.sqrt(variance))
    two_columns = np.stack([-scores, scores], axis=1)
    assert score("auc", two_columns, labels).value == pytest.approx(found.value)


def test_auc_needs_both_classes_and_no_third() -> None:
    with pytest.raises(DataError, match="only class 1"):
        score("auc", np.array([0.1, 0.2]), np.array([1, 1]))
    with pytest.raises(DataError, match="3 classes"):
        score("auc", np.eye(3), np.arange(3))


def test_errors_of_predictions() -> None:
    outputs, targets = np.array([[1.0], [2.0], [4.0]]), np.array([1.0, 4.0, 3.0])
    assert score("mae", outputs, targets).value == pytest.approx(1.0)
    squared = score("mse", outputs, targets)
    assert squared.value == pytest.approx(5 / 3)
    assert squared.standard_error == pytest.approx(np.std([0.0, 4.0, 1.0], ddof=1) / math.sqrt(3))
    root = score("rmse", outputs, targets)
    assert root.value == pytest.approx(math.sqrt(5 / 3))
    assert root.standard_error == pytest.approx(squared.standard_error / (2 * root.value))


def test_r2_agrees_with_scikit_learn_and_its_error_is_repeatable() -> None:
    from sklearn.metrics import r2_score

    random = np.random.default_rng(2)
    targets = random.normal(size=(200, 2))
    outputs = targets + 0.3 * random.normal(size=(200, 2))
    found = score("r2", outputs, targets)
    assert found.value == pytest.approx(r2_score(targets, outputs, multioutput="variance_weighted"))
    assert 0.001 < found.standard_error < 0.05
    assert score("r2", outputs, targets).standard_error == found.standard_error
    with pytest.raises(DataError, match="all equal"):
        score("r2", outputs[:, :1], np.ones(200))


def test_nan_is_an_error_that_names_the_sample() -> None:
    outputs = np.ones((4, 3))
    outputs[2, 1] = np.nan
    for metric, labels in (("accuracy", np.zeros(4, int)), ("mse", np.ones((4, 3)))):
        with pytest.raises(DataError, match=r"1 of 4 samples, first sample 2"):
            score(metric, outputs, labels)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.array([0, 1, 3]), "class numbers 0..2"),
        (np.array([0, -1, 2]), "class numbers 0..2"),
        (np.array([0.0, 0.5, 2.0]), "class numbers 0..2"),
        (np.zeros((3, 2)), r"\[N, 3\] one-hot"),
        (np.array([0, 1]), "one label for each output"),
    ],
)
def test_labels_that_do_not_fit_are_refused(labels: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        score("accuracy", np.eye(3), labels)


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(DataError, match="targets"):
        score("mae", np.ones((3, 2)), np.ones(3))
    with pytest.raises(DataError, match="class scores"):
        score("accuracy", np.ones((3, 4, 4, 2)), np.zeros(3, int))
    with pytest.raises(DataError, match="at least one"):
        score("accuracy", np.ones((0, 2)), np.ones(0))


def test_an_unknown_metric_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="accuracy"):
        score("acuracy", np.eye(2), np.arange(2))
