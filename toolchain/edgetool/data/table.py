"""CSV and Parquet tables with a target column."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np

from edgetool.artifact import digest_path
from edgetool.bounds.memory import DATA_BYTES, read_file, require_bounded, stored_bytes
from edgetool.bounds.parsing import parsing
from edgetool.data.dataset import SPLIT_SEED, Array, Dataset, Split
from edgetool.data.split import choose_part
from edgetool.errors import DataError, MissingDependencyError, nearest
from edgetool.extras import install_command

__all__ = ["load_table", "parse_csv"]

TEST_FRACTION = 0.2

#: Of a cell that has become an object of Python, at least.
CELL_BYTES = 32


def load_table(path: Path, *, label_column: str | None) -> Dataset:
    """Load a table as float32 `[N, columns]`; text columns become codes 0..k-1 in sorted order.

    A text or whole-number target becomes classes, another one a regression target. A column named `split` with
    `train`, `val` and `test` is obeyed; without it a seeded fifth becomes the test split.

    Raises:
        FileFormatError: damaged, or far larger once read than the file.
        DataError: no such target column, ragged rows, or empty cells.
        MissingDependencyError: Parquet without pyarrow.
    """
    columns = (
        _read_parquet(path) if path.suffix == ".parquet" else parse_csv(read_file(path, free=DATA_BYTES), str(path))
    )
    names = list(columns)
    target = label_column or next((name for name in reversed(names) if name != "split"), "")
    if target not in columns:
        raise DataError(
            f"{path}: --label-column {target}",
            found="no such column",
            expected="the target's name",
            next_step=nearest(target, names),
        )
    features = [name for name in names if name not in (target, "split")]
    if not features:
        raise DataError(str(path), found="no column but the target", expected="features", next_step="add columns")
    inputs = np.stack([_numbers(path, name, columns[name])[0] for name in features], axis=1).astype(np.float32)
    labels, class_names = _labels(path, target, columns[target])
    parts = _parts(path, columns.get("split"), labels)
    splits = {name: Split(name, (inputs[mask],), labels[mask]) for name, mask in parts.items() if mask.any()}
    return Dataset(
        name=path.stem,
        train=splits.get("train"),
        val=splits.get("val"),
        test=splits.get("test"),
        class_names=class_names,
        source=f"table {path.name}, target {target}",
        digest=digest_path(path),
        facts={
            "features": ", ".join(features),
            **({} if "split" in columns else {"test split": f"a fifth of the rows, seed {SPLIT_SEED}"}),
        },
    )


def parse_csv(content: bytes, source: str, *, delimiter: str = ",") -> dict[str, Array]:
    """Return the columns of a CSV file as text, by the names in its first line.

    Args:
        content: UTF-8, with or without a byte order mark.
        source: the file, for messages.
        delimiter: between cells.

    Raises:
        FileFormatError: no UTF-8, no CSV, or cells that take far more memory than the file.
        DataError: no rows, a name twice, or ragged rows.
    """
    with parsing(source, expected="UTF-8 CSV", next_step="save it again"):
        text = io.StringIO(content.decode("utf-8-sig"), newline="")
        rows = list(csv.reader(text, delimiter=delimiter))
    if len(rows) < 2:
        raise DataError(source, found=f"{len(rows)} rows", expected="a header and data", next_step="check the file")
    header = [cell.strip() for cell in rows[0]]
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise DataError(
            source, found=f"column {twice[0]!r} twice", expected="unlike column names", next_step="rename one"
        )
    for number, row in enumerate(rows[1:], 2):
        if len(row) != len(header):
            raise DataError(
                f"{source}: line {number}",
                found=f"{len(row)} cells",
                expected=f"{len(header)}, as in the header",
                next_step="mend the line",
            )
    longest = [max(len(row[index]) for row in rows[1:]) for index in range(len(header))]
    require_bounded(source, 4 * len(rows) * sum(longest), len(content), DATA_BYTES)  # cells are padded to the longest
    return {name: np.array([row[index] for row in rows[1:]]) for index, name in enumerate(header)}


def _read_parquet(path: Path) -> dict[str, Array]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise MissingDependencyError(
            str(path), found="no pyarrow", expected="it, to read Parquet", next_step=install_command("parquet")
        ) from None
    with parsing(str(path), expected="a sound Parquet file", next_step="save it again"):
        with pyarrow.parquet.ParquetFile(path) as file:
            claimed = file.metadata.num_rows * file.metadata.num_columns * CELL_BYTES
        require_bounded(str(path), claimed, stored_bytes(path), DATA_BYTES)
        table = pyarrow.parquet.read_table(path)
    return {
        name: np.asarray(column.to_pylist(), dtype=object if column.null_count else None)
        for name, column in zip(table.column_names, table.columns, strict=True)
    }


def _numbers(path: Path, name: str, column: Array) -> tuple[Array, tuple[str, ...]]:
    """Return a column as float64, and its categories where it held text."""
    texts = [("" if cell is None else str(cell)).strip() for cell in column]
    empty = [index for index, text in enumerate(texts) if text == "" or text.lower() == "nan"]
    if empty:
        raise DataError(
            f"{path}: column {name}",
            found=f"{len(empty)} empty cells, the first in row {empty[0] + 1}",
            expected="a value in every cell",
            next_step="fill or drop them by a stated rule",
        )
    numeric = [_is_number(text) for text in texts]
    if all(numeric):
        return np.array([float(text) for text in texts]), ()
    if sum(numeric) * 2 > len(texts):
        row = numeric.index(False)
        raise DataError(
            f"{path}: column {name}",
            found=f"{texts[row]!r} in row {row + 1}, among {sum(numeric)} numbers",
            expected="numbers only, or text only",
            next_step="correct the cells that are no numbers",
        )
    categories, codes = np.unique(np.array(texts), return_inverse=True)
    return codes.astype(np.float64), tuple(str(item) for item in categories)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _labels(path: Path, name: str, column: Array) -> tuple[Array, tuple[str, ...]]:
    values, categories = _numbers(path, name, column)
    if categories or (np.all(values == np.rint(values)) and np.unique(values).size <= max(2, len(values) // 10)):
        return values.astype(np.int64), categories
    return values.astype(np.float32), ()


def _parts(path: Path, split: Array | None, labels: Array) -> dict[str, Array]:
    if split is not None:
        unknown = sorted({str(item) for item in split} - {"train", "val", "test"})
        if unknown:
            raise DataError(
                f"{path}: column split", found=unknown[0], expected="train, val or test", next_step="correct the column"
            )
        return {name: np.array([str(item) == name for item in split]) for name in ("train", "val", "test")}
    test = choose_part(labels, len(labels), TEST_FRACTION)
    return {"train": ~test, "test": test}
