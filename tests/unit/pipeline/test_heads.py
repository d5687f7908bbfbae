"""Whose labels are whose in models with several outputs, and labels of one class a pixel."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from edgetool.artifact import TensorSpec
from edgetool.data.dataset import Array, Dataset, Split
from edgetool.errors import DataError
from edgetool.importers.base import ImportedModel
from edgetool.passes.base import TrainingSettings
from edgetool.pipeline.heads import find_heads, head_settings, labels_by_position, name_heads

X = np.random.default_rng(0).normal(size=(12, 4)).astype(np.float32)
DIGITS = np.arange(12) % 3
NAMES = ("digit", "depth")


def data(labels: Array | None = None, **heads: Array) -> Dataset:
    train, val, test = (Split(name, (X,), labels, dict(heads)) for name in ("train", "val", "test"))
    return Dataset("d", train, val, test)


def split_of(dataset: Dataset) -> Split:
    assert dataset.train is not None
    return dataset.train


def test_labels_by_number_or_by_name_of_the_output() -> None:
    for heads in ({"0": DIGITS, "1": X}, {"digit": DIGITS, "depth": X}):
        found = split_of(name_heads(data(**heads), NAMES))
        assert found.labels is DIGITS and list(found.heads) == ["1"]
    found = split_of(name_heads(data(DIGITS, depth=X), NAMES))
    assert found.labels is DIGITS and found.heads["1"] is X


def test_labels_by_name_of_the_layer_that_an_output_comes_from() -> None:
    found = split_of(name_heads(data(digit=DIGITS, depth=X), ("digit/Softmax", "depth/BiasAdd")))
    assert found.labels is DIGITS and found.heads["1"] is X
    with pytest.raises(DataError, match="y_train_depth"):
        name_heads(data(DIGITS, depth=X), ("digit/Softmax", "depth/1", "depth/2"))


@pytest.mark.parametrize("key", ["width", "2"])
def test_labels_of_no_output_are_refused(key: str) -> None:
    with pytest.raises(
        DataError, match=f"y_train_{key}: labels of an output .* one of digit, depth, or a number from 0"
    ):
        name_heads(data(DIGITS, **{key: X}), NAMES)


@pytest.mark.parametrize(
    ("labels", "shape", "expected"),
    [
        (np.ones((2, 4, 4, 1), np.int64), (-1, 4, 4, 3), (2, 4, 4)),
        (np.eye(3)[np.zeros((2, 4, 4), int)], (-1, 4, 4, 3), (2, 4, 4)),
        (np.ones((2, 4, 4, 1), np.uint8), (-1, 4, 4, 1), (2, 4, 4)),
        (np.full((2, 4, 4, 1), 200, np.uint8), (-1, 4, 4, 1), (2, 4, 4, 1)),
        (np.ones((2, 4, 4, 3), np.float32), (-1, 4, 4, 3), (2, 4, 4, 3)),
        (np.ones((2, 3)), (-1, 3), (2, 3)),
    ],
)
def test_one_class_a_pixel(labels: Array, shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    dataset = Dataset("d", Split("train", (X[:2],), labels), None, None)
    found = split_of(labels_by_position(dataset, shape)).labels
    assert found is not None and found.shape == expected


def model(*outputs: Array) -> ImportedModel:
    def run(inputs: tuple[Array, ...]) -> tuple[Array, ...]:
        return tuple(output[: len(inputs[0])] for output in outputs)

    specs = tuple(
        TensorSpec(name, (-1, *output.shape[1:]), "float32") for name, output in zip(NAMES, outputs, strict=True)
    )
    frozen: Any = SimpleNamespace(outputs=specs)
    return ImportedModel(frozen, "onnx", 0, (TensorSpec("x", (-1, 4), "float32"),), specs, "softmax", "test", run)


def test_an_output_without_labels_is_scored_against_the_answers_of_the_source() -> None:
    scores, depth = np.eye(3, dtype=np.float32)[DIGITS], X * 2.0
    found, heads = find_heads(data(DIGITS), model(scores, depth))
    assert [(head.name, head.task, head.metric, head.is_labelled) for head in heads] == [
        ("depth", "regression", "r2", False)
    ]
    assert found.val is not None
    np.testing.assert_array_equal(found.val.heads["1"], depth)
    assert split_of(found).heads == {}, "passes learn the answers themselves"
    assert found.facts["outputs without labels"].startswith("depth: no labels")


def test_an_output_with_labels_has_the_task_that_they_tell() -> None:
    scores = np.eye(3, dtype=np.float32)[DIGITS]
    found, (head,) = find_heads(data(DIGITS, **{"1": DIGITS}), model(scores, scores))
    assert (head.task, head.metric, head.is_labelled) == ("classification", "accuracy", True)
    assert "outputs without labels" not in found.facts
    settings = head_settings(TrainingSettings(loss="mse", balanced=True), head)
    assert settings.loss == "sparse_categorical_crossentropy" and settings.balanced


def test_labels_that_do_not_fit_an_output_are_refused() -> None:
    scores = np.eye(3, dtype=np.float32)[DIGITS]
    with pytest.raises(DataError, match="y_train_1: labels from 0 to 11"):
        find_heads(data(DIGITS, **{"1": np.arange(12)}), model(scores, scores))


def test_a_model_with_one_output_stays_as_it_is() -> None:
    dataset = data(DIGITS)
    assert find_heads(dataset, _single()) == (dataset, ())


def _single() -> ImportedModel:
    spec = TensorSpec("digit", (-1, 3), "float32")
    return ImportedModel(None, "onnx", 0, (), (spec,), "softmax", "test", lambda inputs: inputs)
