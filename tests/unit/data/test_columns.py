"""Columns of a table: ranges, codes, logs, repeats, and the table as numbers of one scale."""

from __future__ import annotations

import numpy as np
import pytest

from edgetool.data import columns
from edgetool.data.dataset import Array, Dataset, Split
from edgetool.errors import DataError


@pytest.mark.parametrize(
    ("values", "whole", "message"),
    [
        ([1.0, 7.0, -1.0], False, r"7 in row 2 and 1 more such values, expected points, 0 to 5"),
        ([1.0, np.nan], False, "column: nan in row 2, expected"),
        ([0.0, 2.5], True, r"2\.5 in row 2, expected whole points"),
    ],
)
def test_values_out_of_range_are_refused(values: list[float], whole: bool, message: str) -> None:
    with pytest.raises(DataError, match=message):
        columns.check_range("column", np.array(values), 0, 5, unit="points", whole=whole)


def test_the_ends_of_a_range_are_in_it() -> None:
    columns.check_range("column", np.array([0.0, 5.0, 2.5]), 0, 5, unit="points")


def test_codes_are_replaced_in_a_copy_and_counted() -> None:
    values = np.array([0.0, 1.0, 5.0, 4.0], np.float32)
    replaced, count = columns.recode(values, (0, 5), 4)
    assert replaced.tolist() == [4, 1, 4, 4] and count == 2 and replaced.dtype == np.float32
    assert values.tolist() == [0, 1, 5, 4]


def test_one_hot_has_a_column_a_code() -> None:
    np.testing.assert_array_equal(
        columns.one_hot(np.array([-1.0, 2.0, 9.0]), (-1, 0, 2)), [[1, 0, 0], [0, 0, 1], [0, 0, 0]]
    )


def test_the_log_keeps_the_sign() -> None:
    np.testing.assert_allclose(columns.signed_log(np.array([-np.e + 1, 0.0, np.e - 1])), [-1, 0, 1])


def test_repeats_and_leaks_are_dropped_from_the_training_rows_only() -> None:
    rows = np.array([[1, 1], [2, 2], [1, 1], [1, 1], [3, 3], [3, 3]], np.float32)
    train = Split("train", (rows,), np.array([0, 1, 0, 1, 1, 1]))
    test = Split("test", (rows[4:],), np.array([0, 0]))
    kept, words = columns.drop_repeats(train, [test])
    assert kept.inputs[0][:, 0].tolist() == [1, 2, 1] and kept.labels is not None and kept.labels.tolist() == [0, 1, 1]
    assert words == "2 training rows dropped that repeat an earlier one, 1 whose inputs stand in test too"


def _split_columns(rows: Array) -> tuple[Array, Array]:
    return rows[:, :1], columns.one_hot(rows[:, 1], (0, 1))


def test_statistics_leave_out_validation_and_test_rows() -> None:
    rows = np.array([[0, 0], [4, 1], [100, 1]], np.float32)
    whole = Dataset(
        "t", Split("train", (rows[:2],)), Split("val", (rows[2:],)), Split("test", (rows[2:],)), facts={"clean": "mine"}
    )
    made = columns.standardise_table(whole, _split_columns, limit=3.0)
    assert made.train is not None and made.val is not None and made.test is not None
    np.testing.assert_array_equal(made.train.inputs[0], [[-1, 1, 0], [1, 0, 1]])
    np.testing.assert_array_equal(made.val.inputs[0], [[3, 0, 1]])
    np.testing.assert_array_equal(made.test.inputs[0], [[3, 0, 1]])
    assert made.train.inputs[0].dtype == np.float32
    assert "2 training rows, clipped to 3 standard deviations (2 of 4 values)" in made.facts["normalise"]
    assert "2 indicators stay 0 or 1" in made.facts["normalise"] and made.facts["clean"] == "mine"


def test_a_validation_split_is_carved_first() -> None:
    rows = np.stack([np.arange(100.0), np.arange(100) % 2], axis=1).astype(np.float32)
    labels = (np.arange(100) % 2).astype(np.int64)
    whole = Dataset("t", Split("train", (rows,), labels), None, Split("test", (rows[:2],), labels[:2]))
    made = columns.standardise_table(whole, _split_columns, limit=9.0)
    assert made.train is not None and made.val is not None
    assert made.train.num_samples == 90 and made.val.num_samples == 10 and "validation split" in made.facts
    assert abs(float(made.train.inputs[0][:, 0].mean())) < 1e-6 < abs(float(made.val.inputs[0][:, 0].mean()))
