"""UCI "default of credit card clients" (Yeh and Lien 2009): who will not pay next month's card bill."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgetool.artifact import digest_path
from edgetool.data.columns import check_range, drop_repeats, one_hot, recode, signed_log, standardise_table
from edgetool.data.dataset import SPLIT_SEED, Array, Dataset, Split
from edgetool.data.download import download, shared_file
from edgetool.data.npz import read_arrays
from edgetool.data.split import split_in_two
from edgetool.data.table import parse_csv
from edgetool.errors import DataError

__all__ = ["COLUMNS", "load", "read_public"]

#: https://archive.ics.uci.edu/dataset/350 (CC BY 4.0), the CSV that its page serves: ID, X1..X23, Y. UCI states no
#: digest; this one is what several public projects hold the file to.
URL = "https://archive.ics.uci.edu/static/public/350/data.csv"
SHA256 = "45bcf4df62ff2e237a74eb155cabfb4bbbc171219a0637daef44fdad07503dd0"
SOURCE = 'UCI "default of credit card clients" (Yeh and Lien 2009, doi 10.24432/C55S3H, CC BY 4.0)'

STATUSES = ("PAY_0", "PAY_2", "PAY_3", "PAY_4", "PAY_5", "PAY_6")
BILLS = tuple(f"BILL_AMT{month}" for month in range(1, 7))
PAYMENTS = tuple(f"PAY_AMT{month}" for month in range(1, 7))

#: In the order of the source; month 1 is September 2005, month 6 April.
COLUMNS = ("LIMIT_BAL", "SEX", "EDUCATION", "MARRIAGE", "AGE", *STATUSES, *BILLS, *PAYMENTS)
CLASS_NAMES = ("no default", "default")

SEX = (1, 2)
EDUCATION = (1, 2, 3, 4)
MARRIAGE = (1, 2, 3)

#: Payment statuses: -2 no consumption, -1 paid in full, 0 part paid, 1 and more: months of delay. Longer delays than
#: the last are rare (0.2 % of the statuses) and counted with it.
STATUS_CODES = (-2, -1, 0, 1, 2, 3, 4)

#: NT dollars; no amount of the table comes near it.
LARGEST = 1e8

#: Column -> lowest and highest value, unit, and whether only whole numbers are possible.
RANGES = {
    "LIMIT_BAL": (1.0, LARGEST, "NT dollars", False),
    "SEX": (1, 2, "codes", True),
    "EDUCATION": (0, 6, "codes", True),
    "MARRIAGE": (0, 3, "codes", True),
    "AGE": (18, 120, "years", True),
    **dict.fromkeys(STATUSES, (-2, 9, "months of delay", True)),
    **dict.fromkeys(BILLS, (-LARGEST, LARGEST, "NT dollars", False)),
    **dict.fromkeys(PAYMENTS, (0, LARGEST, "NT dollars", False)),
}

#: Standard deviations that numbers are clipped to.
LIMIT = 4.0


def load() -> Dataset:
    """Load the 30,000 clients as float32 `[N, 77]`: 26 numbers and 51 indicators; label 1: default.

    From `$EDGETOOL_DATA/credit_default.npz` with the split of that file, or from UCI's CSV, of which a stratified
    quarter is the test split. SEX, AGE and MARRIAGE are sensitive attributes; they are in the table and stay in it.

    Raises:
        DataError: an array or column is missing, or a value is out of its documented range.
        NetworkError: the file is not there and cannot be downloaded.
    """
    path = shared_file("credit_default.npz")
    if path is not None:
        train, test = _read_shared(path)
        facts = {}
    else:
        path = download(URL, sha256=SHA256, name="credit_default.csv")
        train, test = split_in_two(read_public(path), fraction=0.25)
        facts = {"test split": f"a stratified quarter, seed {SPLIT_SEED}"}
    for split in (train, test):
        _check(f"{path}: {split.name}", split)
    return _prepare(train, test, digest_path(path), facts)


def read_public(path: Path) -> Split:
    """Read UCI's CSV: raw float32 `[N, 23]` in the order of `COLUMNS`, and labels `[N]`.

    Raises:
        DataError: damaged, a column is missing, or a cell is no number.
    """
    columns = parse_csv(path.read_bytes(), str(path))
    wanted = [*(f"X{number}" for number in range(1, len(COLUMNS) + 1)), "Y"]
    missing = [name for name in wanted if name not in columns]
    if missing:
        raise DataError(
            str(path), found=f"no column {missing[0]}", expected="ID, X1 to X23, Y", next_step="get the file again"
        )
    try:
        values = np.stack([columns[name].astype(np.float64) for name in wanted], axis=1)
    except ValueError as exc:
        raise DataError(
            str(path), found=f"a cell that is no number ({exc})", expected="numbers", next_step="get the file again"
        ) from None
    check_range(f"{path}: Y", values[:, -1], 0, 1, unit="classes", whole=True)
    return Split("all", (values[:, :-1].astype(np.float32),), values[:, -1].astype(np.int64))


def _read_shared(path: Path) -> tuple[Split, Split]:
    arrays = read_arrays(path, ("x_train", "y_train", "x_test", "y_test", "feature_names"))
    names = tuple(str(name) for name in arrays["feature_names"])
    if names != COLUMNS:
        raise DataError(
            f"{path}: feature_names",
            found=", ".join(names),
            expected=", ".join(COLUMNS),
            next_step="get the file again",
        )
    return (
        Split("train", (arrays["x_train"],), arrays["y_train"].astype(np.int64)),
        Split("test", (arrays["x_test"],), arrays["y_test"].astype(np.int64)),
    )


def _check(subject: str, split: Split) -> None:
    rows, labels = split.inputs[0], split.labels
    if rows.ndim != 2 or rows.shape[1] != len(COLUMNS) or labels is None or labels.shape != rows.shape[:1]:
        raise DataError(
            subject,
            found=f"rows of shape {list(rows.shape)}",
            expected=f"[N, {len(COLUMNS)}], and a label each",
            next_step="get the file again",
        )
    check_range(f"{subject}: label", labels, 0, 1, unit="classes", whole=True)
    for index, name in enumerate(COLUMNS):
        low, high, unit, whole = RANGES[name]
        check_range(f"{subject}: {name}", rows[:, index], low, high, unit=unit, whole=whole)


def _prepare(train: Split, test: Split, digest: str, facts: dict[str, str]) -> Dataset:
    train, repeats = drop_repeats(train, [test])
    (train, education, marriage), (test, tested_education, tested_marriage) = _recode(train), _recode(test)
    total = train.num_samples + test.num_samples
    clean = (
        f"{repeats}; of {total:,} rows {education + tested_education} with an EDUCATION code that the source leaves "
        f"undocumented (0, 5, 6) taken as 4 (others), {marriage + tested_marriage} with MARRIAGE 0 as 3 (others); "
        "no NaN, every other value in its documented range"
    )
    raw = Dataset(
        name="credit-default",
        train=train,
        val=None,
        test=test,
        class_names=CLASS_NAMES,
        source=SOURCE,
        digest=digest,
        facts={
            "clean": clean,
            "convert": "SEX, EDUCATION, MARRIAGE and six payment statuses (4 and more months together) one-hot: 51 "
            "indicators; credit limit, bills and payments as sign(x) log(1 + |x|), bills and payments also as a share "
            "of the limit, and AGE: 26 numbers",
            **facts,
        },
    )
    return standardise_table(raw, _convert, limit=LIMIT)


def _recode(split: Split) -> tuple[Split, int, int]:
    """Return `split` with documented codes only, and how many values of EDUCATION and MARRIAGE were not."""
    rows = split.inputs[0].copy()
    education, marriage = COLUMNS.index("EDUCATION"), COLUMNS.index("MARRIAGE")
    rows[:, education], num_education = recode(rows[:, education], (0, 5, 6), 4)
    rows[:, marriage], num_marriage = recode(rows[:, marriage], (0,), 3)
    return Split(split.name, (rows,), split.labels), num_education, num_marriage


def _convert(rows: Array) -> tuple[Array, Array]:
    """Return numbers `[N, 26]` and indicators `[N, 51]`."""
    column = {name: rows[:, index] for index, name in enumerate(COLUMNS)}
    amounts = [column[name] for name in (*BILLS, *PAYMENTS)]
    limit = column["LIMIT_BAL"]
    numbers = [
        signed_log(limit),
        column["AGE"],
        *(signed_log(amount) for amount in amounts),
        *(amount / limit for amount in amounts),
    ]
    indicators = [
        one_hot(column["SEX"], SEX),
        one_hot(column["EDUCATION"], EDUCATION),
        one_hot(column["MARRIAGE"], MARRIAGE),
        *(one_hot(np.minimum(column[name], STATUS_CODES[-1]), STATUS_CODES) for name in STATUSES),
    ]
    return np.stack(numbers, axis=1), np.concatenate(indicators, axis=1)
