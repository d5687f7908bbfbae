"""Tables: numbers, categories, targets, splits, and cells that are wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgetool.data.table import load_table
from edgetool.errors import DataError, FileFormatError

ROWS = [f"{i},{'red' if i % 2 else 'blue'},{i * 0.5},{'yes' if i % 3 else 'no'}" for i in range(20)]


def _csv(path: Path, rows: list[str], header: str = "a,colour,b,label") -> Path:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def test_categories_are_coded_in_sorted_order(tmp_path: Path) -> None:
    loaded = load_table(_csv(tmp_path / "t.csv", ROWS), label_column=None)
    assert loaded.class_names == ("no", "yes")
    assert loaded.train is not None and loaded.test is not None
    assert loaded.train.inputs[0].dtype == np.float32 and loaded.train.inputs[0].shape == (16, 3)
    for split in (loaded.train, loaded.test):
        number, colour, half = split.inputs[0].T
        np.testing.assert_array_equal(colour, number % 2)  # blue 0, red 1
        np.testing.assert_array_equal(half, number / 2)
        np.testing.assert_array_equal(split.labels, number % 3 > 0)
    assert loaded.facts["features"] == "a, colour, b"


def test_a_target_of_fractions_is_a_regression(tmp_path: Path) -> None:
    loaded = load_table(_csv(tmp_path / "t.csv", ROWS), label_column="b")
    assert loaded.class_names == () and loaded.test is not None and loaded.test.labels is not None
    assert loaded.test.labels.dtype == np.float32


def test_a_column_named_split_is_obeyed(tmp_path: Path) -> None:
    rows = [f"{row},{'train' if i < 10 else 'val' if i < 15 else 'test'}" for i, row in enumerate(ROWS)]
    loaded = load_table(_csv(tmp_path / "t.csv", rows, "a,colour,b,label,split"), label_column=None)
    assert [s.num_samples for s in (loaded.train, loaded.val, loaded.test) if s is not None] == [10, 5, 5]
    assert loaded.train is not None and list(loaded.train.inputs[0][:, 0]) == list(range(10))


@pytest.mark.parametrize(
    ("rows", "header", "column", "message"),
    [
        (ROWS, "a,colour,b,label", "lable", "did you mean 'label'"),
        ([*ROWS, "1,red"], "a,colour,b,label", None, "line 22: 2 cells, expected 4"),
        ([*ROWS, ",red,1,yes"], "a,colour,b,label", None, "column a: 1 empty cells, the first in row 21"),
        ([*ROWS, "?,red,1,yes"], "a,colour,b,label", None, r"column a: '\?' in row 21, among 20 numbers"),
        (ROWS, "a,a,b,label", None, "column 'a' twice"),
        ([], "a,label", None, "1 rows"),
        (["1", "2"], "label", None, "no column but the target"),
        (["1,0,dev"], "a,label,split", None, "expected train, val or test"),
    ],
)
def test_wrong_tables_are_named(tmp_path: Path, rows: list[str], header: str, column: str | None, message: str) -> None:
    with pytest.raises(DataError, match=message):
        load_table(_csv(tmp_path / "t.csv", rows, header), label_column=column)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"a,b\n\xff\xfe\x00,1\n")
    with pytest.raises(FileFormatError, match="UTF-8 CSV"):
        load_table(path, label_column=None)


def test_parquet_gives_what_csv_gives(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    columns = list(zip(*(row.split(",") for row in ROWS), strict=True))
    numbers = {"a": [int(v) for v in columns[0]], "colour": columns[1], "b": [float(v) for v in columns[2]]}
    parquet.write_table(arrow.table({**numbers, "label": columns[3]}), tmp_path / "t.parquet")
    left = load_table(tmp_path / "t.parquet", label_column=None)
    right = load_table(_csv(tmp_path / "t.csv", ROWS), label_column=None)
    assert left.train is not None and right.train is not None
    np.testing.assert_array_equal(left.train.inputs[0], right.train.inputs[0])
    np.testing.assert_array_equal(left.train.labels, right.train.labels)
    content = (tmp_path / "t.parquet").read_bytes()
    (tmp_path / "t.parquet").write_bytes(content[: len(content) // 2])
    with pytest.raises(FileFormatError, match="a sound Parquet file"):
        load_table(tmp_path / "t.parquet", label_column=None)
