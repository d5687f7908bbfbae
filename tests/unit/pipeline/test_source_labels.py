"""Data without labels are scored against the source model's own answers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from edgetool.artifact import TensorSpec
from edgetool.data.dataset import Array, Dataset, Split
from edgetool.pipeline.source_labels import is_unlabelled, label_by_source

INPUTS = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)


def source(outputs: Array, activation: str = "") -> Any:
    return SimpleNamespace(
        inputs=(TensorSpec("x", (-1, 4), "float32"),),
        outputs=(TensorSpec("y", (-1, *outputs.shape[1:]), "float32"),),
        last_activation=activation,
        run=lambda inputs: (outputs[: len(inputs[0])],),
    )


def data(labels: Array | None = None) -> Dataset:
    train, val, test = (Split(name, (INPUTS,), labels) for name in ("train", "val", "test"))
    return Dataset("d", train, val, test)


def test_data_count_as_unlabelled_where_no_split_has_labels_and_outputs_are_no_inputs() -> None:
    scores = source(np.zeros((20, 3), np.float32))
    assert is_unlabelled(data(), scores)
    assert not is_unlabelled(data(np.zeros(20, np.int64)), scores)
    assert not is_unlabelled(data(), source(np.zeros((20, 4), np.float32)))


@pytest.mark.parametrize("activation", ["softmax", ""])
def test_classes_are_told_by_the_activation_or_by_rows_that_sum_to_one(activation: str) -> None:
    scores = np.random.default_rng(1).dirichlet(np.ones(3), 20).astype(np.float32)
    labelled, task = label_by_source(data(), source(scores, activation), None)
    assert (task.name, task.metric) == ("classification", "accuracy")
    assert labelled.test is not None and labelled.train is not None
    np.testing.assert_array_equal(labelled.test.labels, scores.argmax(axis=1))
    assert labelled.train.labels is None


def test_one_score_becomes_yes_or_no() -> None:
    scores = np.random.default_rng(1).uniform(size=(20, 1)).astype(np.float32)
    labelled, task = label_by_source(data(), source(scores, "sigmoid"), None)
    assert (task.name, task.metric) == ("binary", "accuracy")
    assert labelled.val is not None
    np.testing.assert_array_equal(labelled.val.labels, scores[:, 0] > 0.5)


def test_other_outputs_are_targets_measured_by_r2_or_as_asked() -> None:
    values = np.random.default_rng(1).normal(size=(20, 2)).astype(np.float32)
    labelled, task = label_by_source(data(), source(values), None)
    assert (task.name, task.metric) == ("regression", "r2")
    assert labelled.val is not None
    np.testing.assert_array_equal(labelled.val.labels, values)
    assert label_by_source(data(), source(values), "mae")[1].metric == "mae"
