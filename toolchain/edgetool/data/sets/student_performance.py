"""UCI "Student Performance" (Cortez and Silva 2008), Portuguese-language course: the final grade of a student."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgetool.artifact import digest_path
from edgetool.data.archive import read_member
from edgetool.data.columns import check_range, drop_repeats, one_hot, standardise_table
from edgetool.data.dataset import SPLIT_SEED, Array, Dataset, Split
from edgetool.data.download import download, shared_file
from edgetool.data.npz import read_arrays
from edgetool.data.split import split_in_two
from edgetool.data.table import parse_csv
from edgetool.errors import DataError

__all__ = ["CATEGORIES", "COLUMNS", "NUMBERS", "load", "read_public"]

#: https://archive.ics.uci.edu/dataset/320 (CC BY 4.0). UCI states no digest; this one is what several public projects
#: hold the archive to (40,735 bytes; student-por.csv lies in a student.zip inside it).
URL = "https://archive.ics.uci.edu/static/public/320/student+performance.zip"
SHA256 = "82ae9d66437b9808df42e8c89d2bb179c46e9cfbcf06f38abc1d20b3b747e177"
MEMBER = "student-por.csv"
SOURCE = 'UCI "Student Performance", Portuguese course (Cortez and Silva 2008, doi 10.24432/C5TG7T, CC BY 4.0)'

#: Text columns and their values, in the order of the codes that stand for them.
CATEGORIES = {
    "school": ("GP", "MS"),
    "sex": ("F", "M"),
    "address": ("R", "U"),
    "famsize": ("GT3", "LE3"),
    "Pstatus": ("A", "T"),
    "Mjob": ("at_home", "health", "other", "services", "teacher"),
    "Fjob": ("at_home", "health", "other", "services", "teacher"),
    "reason": ("course", "home", "other", "reputation"),
    "guardian": ("father", "mother", "other"),
    **dict.fromkeys(
        ("schoolsup", "famsup", "paid", "activities", "nursery", "higher", "internet", "romantic"), ("no", "yes")
    ),
}

#: Number columns: lowest and highest value, as the source's student.txt states them, and unit.
NUMBERS = {
    "age": (15, 22, "years"),
    "Medu": (0, 4, "levels"),
    "Fedu": (0, 4, "levels"),
    "traveltime": (1, 4, "levels"),
    "studytime": (1, 4, "levels"),
    "failures": (0, 4, "past failures"),
    "famrel": (1, 5, "levels"),
    "freetime": (1, 5, "levels"),
    "goout": (1, 5, "levels"),
    "Dalc": (1, 5, "levels"),
    "Walc": (1, 5, "levels"),
    "health": (1, 5, "levels"),
    "absences": (0, 93, "absences"),
    "G1": (0, 20, "points"),
    "G2": (0, 20, "points"),
}

#: In the order of the source.
COLUMNS = (
    "school",
    "sex",
    "age",
    "address",
    "famsize",
    "Pstatus",
    "Medu",
    "Fedu",
    "Mjob",
    "Fjob",
    "reason",
    "guardian",
    "traveltime",
    "studytime",
    "failures",
    "schoolsup",
    "famsup",
    "paid",
    "activities",
    "nursery",
    "higher",
    "internet",
    "romantic",
    "famrel",
    "freetime",
    "goout",
    "Dalc",
    "Walc",
    "health",
    "absences",
    "G1",
    "G2",
)
TARGET = "G3"

#: Standard deviations that numbers are clipped to.
LIMIT = 4.0


def load() -> Dataset:
    """Load the 649 students as float32 `[N, 58]`: 15 numbers and 43 indicators; target G3, 0..20 points.

    From `$EDGETOOL_DATA/student_performance.npz` with the split of that file, or from UCI's archive, of which a
    quarter is the test split.

    Raises:
        DataError: an array or column is missing, or a value is out of its documented range.
        NetworkError: the file is not there and cannot be downloaded.
    """
    path = shared_file("student_performance.npz")
    if path is not None:
        train, test = _read_shared(path)
        facts = {}
    else:
        path = download(URL, sha256=SHA256, name="student_performance.zip")
        train, test = split_in_two(read_public(path), fraction=0.25)
        facts = {"test split": f"a quarter, seed {SPLIT_SEED}"}
    for split in (train, test):
        _check(f"{path}: {split.name}", split)
    train, repeats = drop_repeats(train, [test])
    raw = Dataset(
        name="student-performance",
        train=train,
        val=None,
        test=test,
        source=SOURCE,
        digest=digest_path(path),
        facts={
            "clean": f"{repeats}; no NaN, every value in its documented range",
            "convert": f"{len(CATEGORIES)} text columns one-hot, {len(NUMBERS)} numbers as they are",
            **facts,
        },
    )
    return standardise_table(raw, _convert, limit=LIMIT)


def read_public(path: Path) -> Split:
    """Read `student-por.csv` in UCI's archive: raw float32 `[N, 32]`, text as codes, and targets `[N]` in points.

    Raises:
        DataError: damaged, a column is missing, a text is unknown or a cell is no number.
    """
    columns = parse_csv(read_member(path, MEMBER), f"{path}: {MEMBER}", delimiter=";")
    missing = [name for name in (*COLUMNS, TARGET) if name not in columns]
    if missing:
        raise DataError(
            f"{path}: {MEMBER}",
            found=f"no column {missing[0]}",
            expected=", ".join((*COLUMNS, TARGET)),
            next_step="get the file again",
        )
    coded = [_code(f"{path}: {MEMBER}: {name}", columns[name], CATEGORIES.get(name)) for name in (*COLUMNS, TARGET)]
    return Split("all", (np.stack(coded[:-1], axis=1),), coded[-1])


def _code(subject: str, cells: Array, categories: tuple[str, ...] | None) -> Array:
    """Return a column of text as float32: numbers, or the place in `categories`."""
    try:
        values = cells if categories is None else [categories.index(cell) for cell in cells.tolist()]
        return np.asarray(values).astype(np.float32)
    except ValueError as exc:
        raise DataError(
            subject,
            found=f"a cell that does not fit ({exc})",
            expected="a number" if categories is None else " or ".join(categories),
            next_step="get the file again",
        ) from None


def _read_shared(path: Path) -> tuple[Split, Split]:
    keys = ("x_train", "y_train", "x_test", "y_test", "feature_names", "feature_categories")
    arrays = read_arrays(path, keys)
    features = [(str(n), str(c)) for n, c in zip(arrays["feature_names"], arrays["feature_categories"], strict=False)]
    wanted = [(name, "|".join(CATEGORIES.get(name, ()))) for name in COLUMNS]
    if features != wanted:
        odd = next((pair for pair in features if pair not in wanted), ("columns in another order or number", ""))
        raise DataError(
            f"{path}: feature_names, feature_categories",
            found=" ".join(odd).strip(),
            expected="the columns of student-por.csv, text coded in alphabetical order",
            next_step="get the file again",
        )
    return (
        Split("train", (arrays["x_train"],), arrays["y_train"].astype(np.float32)),
        Split("test", (arrays["x_test"],), arrays["y_test"].astype(np.float32)),
    )


def _check(subject: str, split: Split) -> None:
    rows, targets = split.inputs[0], split.labels
    if rows.ndim != 2 or rows.shape[1] != len(COLUMNS) or targets is None or targets.shape != rows.shape[:1]:
        raise DataError(
            subject,
            found=f"rows of shape {list(rows.shape)}",
            expected=f"[N, {len(COLUMNS)}], and a target each",
            next_step="get the file again",
        )
    check_range(f"{subject}: {TARGET}", targets, 0, 20, unit="points")
    for index, name in enumerate(COLUMNS):
        if name in NUMBERS:
            low, high, unit = NUMBERS[name]
        else:
            low, high, unit = 0, len(CATEGORIES[name]) - 1, "codes"
        check_range(f"{subject}: {name}", rows[:, index], low, high, unit=unit, whole=True)


def _convert(rows: Array) -> tuple[Array, Array]:
    numbers = [rows[:, index] for index, name in enumerate(COLUMNS) if name in NUMBERS]
    indicators = [
        one_hot(rows[:, index], range(len(CATEGORIES[name])))
        for index, name in enumerate(COLUMNS)
        if name in CATEGORIES
    ]
    return np.stack(numbers, axis=1), np.concatenate(indicators, axis=1)
