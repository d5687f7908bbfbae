"""Credit default: both layouts, undocumented codes counted, one-hot columns, and values that cannot be."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from edgetool.data.dataset import Array
from edgetool.data.load import load_dataset
from edgetool.data.sets import credit_default
from edgetool.data.sets.credit_default import COLUMNS
from edgetool.errors import DataError, NetworkError

CODES = {"SEX": 2, "EDUCATION": 1, "MARRIAGE": 1, "AGE": 30, "LIMIT_BAL": 50_000}


def _rows(count: int) -> Array:
    """Return raw clients that differ in their first bill."""
    rows = np.tile(np.array([CODES.get(name, 0) for name in COLUMNS], np.float32), (count, 1))
    rows[:, COLUMNS.index("BILL_AMT1")] = 1000 * np.arange(1, count + 1)
    return rows


def _save(folder: Path, train: Array, test: Array, **changes: object) -> None:
    arrays = {
        "x_train": train,
        "y_train": np.arange(len(train)) % 2,
        "x_test": test,
        "y_test": np.arange(len(test)) % 2,
        "feature_names": np.array(COLUMNS),
        **changes,
    }
    np.savez(folder / "credit_default.npz", **{key: value for key, value in arrays.items() if value is not None})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EDGETOOL_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def test_undocumented_codes_and_repeats_are_counted_and_mended(folder: Path) -> None:
    train, test = _rows(40), _rows(50)[44:]
    train[:3, COLUMNS.index("EDUCATION")] = (0, 5, 6)
    test[0, COLUMNS.index("MARRIAGE")] = 0
    train[39] = train[37]  # the same label too
    train[38] = test[1]
    _save(folder, train, test)
    data = load_dataset("credit-default")
    assert data.train is not None and data.val is not None and data.test is not None
    assert data.train.num_samples + data.val.num_samples == 38
    clean = data.facts["clean"]
    assert clean.startswith("1 training rows dropped that repeat an earlier one, 1 whose inputs stand in test too")
    assert "of 44 rows 3 with an EDUCATION code" in clean and "1 with MARRIAGE 0 as 3" in clean
    assert data.test.inputs[0].shape == (6, 77)


def test_codes_become_indicators_and_amounts_numbers(folder: Path) -> None:
    train, test = _rows(40), _rows(2)
    test[:, COLUMNS.index("BILL_AMT1")] = (7_777, 8_888)
    for name, value in (("SEX", 1), ("EDUCATION", 4), ("MARRIAGE", 3), ("PAY_0", -2), ("PAY_6", 8)):
        test[0, COLUMNS.index(name)] = value
    _save(folder, train, test)
    data = load_dataset("credit-default")
    assert data.test is not None
    numbers, indicators = data.test.inputs[0][:, :26], data.test.inputs[0][:, 26:]
    assert set(np.unique(indicators)) == {0.0, 1.0} and (indicators.sum(axis=1) == 9).all()
    np.testing.assert_array_equal(indicators[0, :16], [1, 0, 0, 0, 0, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0])
    np.testing.assert_array_equal(indicators[0, -7:], [0, 0, 0, 0, 0, 0, 1])
    np.testing.assert_array_equal(indicators[1, :9], [0, 1, 1, 0, 0, 0, 1, 0, 0])
    assert numbers[1, 0] == 0.0, "a limit that never changes"
    assert numbers[0, 2] < numbers[1, 2] and numbers[0, 14] < numbers[1, 14], "the bill, and as a share of the limit"


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("EDUCATION", 7, "test: EDUCATION: 7 in row 3, expected whole codes, 0 to 6"),
        ("AGE", 3.0, r"AGE: .*years, 18 to 120"),
        ("LIMIT_BAL", 0.0, "LIMIT_BAL: .*NT dollars"),
        ("PAY_AMT2", -5.0, "PAY_AMT2"),
        ("PAY_0", np.nan, "PAY_0: nan in row 3"),
    ],
)
def test_values_that_cannot_be_are_refused(folder: Path, column: str, value: float, message: str) -> None:
    test = _rows(5)
    test[2, COLUMNS.index(column)] = value
    _save(folder, _rows(40)[10:], test)
    with pytest.raises(DataError, match=message):
        load_dataset("credit-default")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"y_test": None}, r"but no y_test, expected x_train, y_train"),
        ({"feature_names": np.array(COLUMNS[::-1])}, "feature_names: PAY_AMT6"),
        ({"y_test": np.array([0, 1, 2, 0, 0])}, "test: label: 2 in row 3"),
        ({"y_test": np.zeros(4, int)}, r"expected \[N, 23\], and a label each"),
        ({"x_test": np.zeros((5, 7), np.float32)}, r"rows of shape \[5, 7\]"),
    ],
)
def test_another_layout_is_refused(folder: Path, changes: dict[str, object], message: str) -> None:
    _save(folder, _rows(40)[10:], _rows(5), **changes)
    with pytest.raises(DataError, match=message):
        load_dataset("credit-default")


def _save_csv(path: Path, count: int) -> None:
    names = ["ID", *(f"X{number}" for number in range(1, 24)), "Y"]
    rows = [[index + 1, *(int(cell) for cell in row), index % 3 == 0] for index, row in enumerate(_rows(count))]
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([names, *([int(cell) for cell in row] for row in rows)])


def test_the_public_file_is_read_and_split(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served = folder / "served.csv"
    _save_csv(served, 120)
    monkeypatch.setattr(credit_default, "URL", served.as_uri())
    with pytest.raises(NetworkError, match="cut short or changed"):
        load_dataset("credit-default")
    monkeypatch.setattr(credit_default, "SHA256", None)
    data = load_dataset("credit-default")
    assert data.train is not None and data.val is not None and data.test is not None
    assert [split.num_samples for split in (data.train, data.val, data.test)] == [81, 9, 30]
    assert data.test.labels is not None and int(data.test.labels.sum()) == 10
    assert data.facts["test split"].startswith("a stratified quarter")


def test_a_public_file_without_a_column_or_with_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    _save_csv(path, 3)
    text = path.read_text()
    path.write_text(text.replace("X23", "X24"))
    with pytest.raises(DataError, match="no column X23"):
        credit_default.read_public(path)
    path.write_text(text.replace("50000", "many", 1))
    with pytest.raises(DataError, match="a cell that is no number"):
        credit_default.read_public(path)


def test_the_real_table(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGETOOL_DATA", str(shared_data))
    data = load_dataset("credit-default")
    assert data.train is not None and data.val is not None and data.test is not None
    assert data.test.inputs[0].shape == (7200, 77) and data.train.num_samples + data.val.num_samples == 20_964
    assert "329 with an EDUCATION code" in data.facts["clean"] and "49 with MARRIAGE 0" in data.facts["clean"]
    numbers = data.train.inputs[0][:, :26]
    assert np.abs(numbers).max() <= 4.0 and np.abs(numbers.mean(axis=0)).max() < 0.05
