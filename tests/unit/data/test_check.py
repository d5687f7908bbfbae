"""Checks of data by itself and against a model: each failure names the array, what was found and expected."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgetool.data.check import check_dataset, check_fits
from edgetool.data.dataset import Dataset, Split
from edgetool.errors import DataError


def _data(x: Any, y: Any = None, name: str = "test") -> Dataset:
    labels = None if y is None else np.asarray(y)
    return Dataset("d", None, None, Split(name, (np.asarray(x),), labels))


def test_sound_data_pass() -> None:
    check_dataset(_data(np.zeros((3, 2)), [0, 1, 2]))


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (np.zeros((0, 2)), None, "no samples"),
        (np.array(["a", "b"]), None, "dtype <U1"),
        (np.array([None, 1], dtype=object), None, "dtype object"),
        (np.zeros((2, 2), complex), None, "dtype complex128"),
        (np.zeros((3, 2)), [0, 1], "2 labels, expected 3"),
        (
            np.array([[0.0, np.nan], [np.inf, np.nan]]),
            None,
            r"3 values that are NaN or infinite in 2 samples, in columns 0, 1, the first in sample 0 at \[1\]",
        ),
        (np.zeros((2, 2)), [0.0, np.nan], "y_test: 1 values that are NaN"),
    ],
)
def test_unsound_data_are_named(x: Any, y: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        check_dataset(_data(x, y))


def test_no_split_at_all() -> None:
    with pytest.raises(DataError, match="no split"):
        check_dataset(Dataset("d", None, None, None))


def test_splits_of_unlike_shapes() -> None:
    train, test = Split("train", (np.zeros((2, 3)),)), Split("test", (np.zeros((2, 4)),))
    with pytest.raises(DataError, match=r"x_test\[0\]: samples of shape \[4\], expected \[3\], as in x_train"):
        check_dataset(Dataset("d", train, None, test))


@pytest.mark.parametrize(
    ("y", "task", "output"),
    [
        ([0, 9, 3], "classification", (-1, 10)),
        ([0.0, 9.0, 3.0], "classification", (-1, 10)),
        (np.eye(10)[:3], "classification", (-1, 10)),
        ([0, 1, 1], "binary", (-1, 1)),
        ([0.5, 1.5, -2.0], "regression", (-1, 1)),
        (np.zeros((3, 4)), "regression", (-1, 4)),
        (None, "reconstruction", (-1, 2)),
        (None, "generation", (-1, 16, 16, 1)),
    ],
)
def test_labels_that_fit(y: Any, task: str, output: tuple[int, ...]) -> None:
    check_fits(_data(np.zeros((3, 2)), y), [(-1, 2)], output, task)


@pytest.mark.parametrize(
    ("y", "task", "output", "message"),
    [
        ([0, 10, 3], "classification", (-1, 10), "labels from 0 to 10, expected 0 to 9: the model has 10 outputs"),
        ([-1, 0, 3], "classification", (-1, 10), "labels from -1 to 3"),
        ([0.0, 0.5, 3], "classification", (-1, 10), "no whole numbers"),
        (np.eye(9)[:3], "classification", (-1, 10), r"labels of shape \[3, 9\]"),
        ([0, 1, 2], "binary", (-1, 1), "other than 0 and 1"),
        ([0.0, 0.5, 3], "regression", (-1, 4), r"targets of shape \[3\], expected \[N, 4\]"),
        (np.zeros((3, 5)), "regression", (-1, 4), r"targets of shape \[3, 5\]"),
        (None, "classification", (-1, 10), "no labels"),
    ],
)
def test_labels_that_do_not_fit(y: Any, task: str, output: tuple[int, ...], message: str) -> None:
    with pytest.raises(DataError, match=message):
        check_fits(_data(np.zeros((3, 2)), y), [(-1, 2)], output, task)


def test_inputs_that_do_not_fit() -> None:
    images = _data(np.zeros((3, 28, 28, 1)), [0, 1, 2])
    with pytest.raises(DataError, match=r"x_test: shape \[3, 28, 28, 1\], expected \[N, 32, 32, 3\]"):
        check_fits(images, [(-1, 32, 32, 3)], (-1, 10), "classification")
    with pytest.raises(DataError, match="1 input arrays, expected 2"):
        check_fits(images, [(-1, 28, 28, 1), (-1, 4)], (-1, 10), "classification")
    check_fits(images, [(-1, -1, -1, 1)], (-1, 10), "classification")
