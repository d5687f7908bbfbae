"""Student performance: both layouts, text one-hot, and values that cannot be."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from edgetool.data.dataset import Array
from edgetool.data.load import load_dataset
from edgetool.data.sets import student_performance
from edgetool.data.sets.student_performance import CATEGORIES, COLUMNS, NUMBERS
from edgetool.errors import DataError, NetworkError

CODED = np.array(["|".join(CATEGORIES.get(name, ())) for name in COLUMNS])


def _rows(count: int) -> Array:
    """Return students who differ in absences and G1."""
    rows = np.tile(np.array([NUMBERS[name][0] if name in NUMBERS else 1 for name in COLUMNS], np.float32), (count, 1))
    rows[:, COLUMNS.index("absences")] = np.arange(count)
    rows[:, COLUMNS.index("G1")] = np.arange(count) % 20
    return rows


def _save(folder: Path, **changes: object) -> None:
    arrays = {
        "x_train": _rows(40),
        "y_train": np.arange(40.0) % 21,
        "x_test": _rows(50)[40:],
        "y_test": np.arange(10.0),
        "feature_names": np.array(COLUMNS),
        "feature_categories": CODED,
        **changes,
    }
    np.savez(folder / "student_performance.npz", **{key: value for key, value in arrays.items() if value is not None})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EDGETOOL_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def test_text_becomes_indicators(folder: Path) -> None:
    test = _rows(50)[40:]
    test[:, COLUMNS.index("Mjob")] = 4
    _save(folder, x_test=test)
    data = load_dataset("student-performance")
    assert data.train is not None and data.val is not None and data.test is not None
    assert [split.num_samples for split in (data.train, data.val, data.test)] == [36, 4, 10]
    indicators = data.test.inputs[0][:, 15:]
    assert indicators.shape == (10, 43) and (indicators.sum(axis=1) == 17).all()
    np.testing.assert_array_equal(indicators[0, 10:15], [0, 0, 0, 0, 1])
    assert data.test.labels is not None and data.test.labels.dtype == np.float32
    assert "15 numbers: mean and standard deviation of the 36 training rows" in data.facts["normalise"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"y_test": None}, "but no y_test"),
        ({"y_test": np.arange(10.0) * 10}, r"test: G3: .*expected points, 0 to 20"),
        ({"x_test": _rows(10) * 2}, r"test: school: .*expected whole codes, 0 to 1"),
        ({"x_test": np.full((10, 32), np.nan, np.float32)}, "school: nan in row 1 and 9 more"),
        ({"x_test": _rows(10)[:, :-1]}, r"rows of shape \[10, 31\]"),
        ({"feature_categories": np.roll(CODED, 1)}, "feature_names, feature_categories: school"),
        ({"feature_names": np.array(COLUMNS[:-1])}, "feature_names, feature_categories"),
    ],
)
def test_another_layout_is_refused(folder: Path, changes: dict[str, object], message: str) -> None:
    _save(folder, **changes)
    with pytest.raises(DataError, match=message):
        load_dataset("student-performance")


def _csv(count: int) -> str:
    lines = [";".join((*COLUMNS, "G3"))]
    for index, row in enumerate(_rows(count)):
        cells = [
            f'"{CATEGORIES[name][int(cell)]}"' if name in CATEGORIES else str(int(cell))
            for name, cell in zip(COLUMNS, row, strict=True)
        ]
        lines.append(";".join([*cells, str(index % 21)]))
    return "\r\n".join(lines) + "\r\n"


def _archive(path: Path, text: str) -> Path:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("student-por.csv", text)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("student.zip", inner.getvalue())
    return path


def test_the_public_archive_is_read_and_split(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(student_performance, "URL", _archive(folder / "served.zip", _csv(60)).as_uri())
    with pytest.raises(NetworkError, match="cut short or changed"):
        load_dataset("student-performance")
    monkeypatch.setattr(student_performance, "SHA256", None)
    data = load_dataset("student-performance")
    assert data.train is not None and data.val is not None and data.test is not None
    assert data.train.num_samples + data.val.num_samples == 45 and data.test.num_samples == 15
    raw = student_performance.read_public(folder / "served.zip")
    np.testing.assert_array_equal(raw.inputs[0], _rows(60))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("G2;G3", "G2;G4", "no column G3"),
        ('"MS"', '"XX"', r"school: a cell that does not fit .*expected GP or MS"),
        (";15;", ";old;", "age: a cell that does not fit"),
    ],
)
def test_another_public_table_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = _archive(tmp_path / "a.zip", _csv(5).replace(old, new))
    with pytest.raises(DataError, match=message):
        student_performance.read_public(path)


def test_the_real_table(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGETOOL_DATA", str(shared_data))
    data = load_dataset("student-performance")
    assert data.train is not None and data.val is not None and data.test is not None
    assert [split.num_samples for split in (data.train, data.val, data.test)] == [409, 45, 156]
    assert data.test.inputs[0].shape[1] == 58 and np.abs(data.test.inputs[0]).max() <= 4.0
