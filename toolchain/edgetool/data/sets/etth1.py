"""Electricity transformer ETTh1: 96 hours of seven standardised channels in, the next 24 hours of all of them out.

Source: `zhouhaoyi/ETDataset` (Zhou et al., Informer, AAAI 2021), from `$EDGETOOL_DATA/etth1.npz` or the public
download. The split is the usual one of 12, 4 and 4 months; forecasts into validation and test take their history from
the split before, never from after.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from edgetool.artifact import digest_path
from edgetool.data.dataset import Array, Dataset, Split
from edgetool.data.download import download, shared_file
from edgetool.data.sets.arrays import read_arrays
from edgetool.data.sets.hourly import hour_windows, place_hours
from edgetool.data.stages import standardise
from edgetool.errors import DataError

__all__ = ["CHANNELS", "HISTORY", "HORIZON", "load", "make_dataset", "read_csv"]

URL = (
    "https://raw.githubusercontent.com/zhouhaoyi/ETDataset/1d16c8f4f943005d613b5bc962e9eeb06058cf07/ETT-small/ETTh1.csv"
)
SOURCE = "ETTh1 (Zhou et al. 2021, zhouhaoyi/ETDataset; CC BY-ND 4.0)"

#: Loads, as the source names them, and the oil temperature.
CHANNELS = ("HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", "OT")
DAY = 24
HISTORY = 96
HORIZON = 24
#: Added to the diagonal, so that the linear model's equations have a solution; far below what changes a digit.
RIDGE = 1.0
#: Hours of each split: months of 30 days.
SPLIT_HOURS = {"train": 12 * 30 * 24, "val": 4 * 30 * 24, "test": 4 * 30 * 24}


def load() -> Dataset:
    """Load the windows: float32 `[N, 96, 7]`, labels float32 `[N, 24, 7]`, all in training deviations.

    Raises:
        NetworkError: the file is not there and cannot be downloaded.
        DataError: damaged, other columns, or hours missing.
    """
    path = shared_file("etth1.npz")
    if path is None:
        path = download(URL)
        time, values = read_csv(path)
        ends = np.cumsum(list(SPLIT_HOURS.values()))
        parts = dict(zip(SPLIT_HOURS, np.split(values[: ends[-1]], ends[:-1]), strict=True))
        return make_dataset(
            parts, time[: ends[-1]], source=f"{SOURCE}, {URL}", digest=digest_path(path), subject=str(path)
        )
    arrays = read_arrays(
        path, (*(f"{kind}_{split}" for kind in ("x", "time") for split in SPLIT_HOURS), "feature_names")
    )
    names = tuple(str(name) for name in arrays["feature_names"])
    _require_channels(path, names)
    time = np.concatenate([arrays[f"time_{split}"] for split in SPLIT_HOURS])
    parts = {split: arrays[f"x_{split}"] for split in SPLIT_HOURS}
    return make_dataset(parts, time, source=SOURCE, digest=digest_path(path), subject=str(path))


def read_csv(path: Path) -> tuple[Array, Array]:
    """Read the public table.

    Returns:
        int64 seconds `[H]` and float32 values `[H, 7]`.

    Raises:
        DataError: another table, or numbers that cannot be read.
    """
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            header, *rows = list(csv.reader(stream))
        _require_channels(path, tuple(header[1:]))
        time = np.array([row[0] for row in rows], "datetime64[s]").astype(np.int64)
        values = np.array([row[1:] for row in rows], np.float32).reshape(-1, len(CHANNELS))
    except (OSError, ValueError, IndexError, csv.Error) as exc:
        raise DataError(
            str(path),
            found=f"no table of hourly readings ({type(exc).__name__}: {exc})",
            expected=f"a CSV with date, {', '.join(CHANNELS)}",
            next_step="delete it, so that it is downloaded again",
        ) from None
    return time, values


def make_dataset(parts: dict[str, Array], time: Array, *, source: str, digest: str, subject: str) -> Dataset:
    """Standardise and cut windows, one for every hour of a split from which 24 hours can be forecast.

    Args:
        parts: `train`, `val`, `test`: `[H, 7]` each, one following the other in time.
        time: The time of each row, in seconds.
        source: The source that reports name.
        digest: The SHA-256 of the file.
        subject: the file, for messages.

    Raises:
        DataError: hours that are missing, out of order or NaN, or too few of them.
    """
    _require_whole(subject, parts, time)
    means_of = parts["train"]
    scaled, _, _ = standardise(means_of, *(parts[name] for name in ("val", "test")))
    series = np.concatenate(scaled)
    splits, baselines, start = {}, [], 0
    for name, values in parts.items():
        first, end = max(start, HISTORY), start + len(values)
        ends = np.arange(first, end - HORIZON + 1)
        inputs, labels = hour_windows(series, ends, HISTORY), hour_windows(series, ends + HORIZON, HORIZON)
        splits[name] = Split(name, (inputs,), labels)
        error = np.mean((inputs[:, -DAY:] - labels) ** 2, dtype=np.float64)
        baselines.append(f"{name} {error:.4f} (n = {len(ends):,})")
        start = end
    return Dataset(
        name="etth1",
        train=splits["train"],
        val=splits["val"],
        test=splits["test"],
        source=source,
        digest=digest,
        facts={
            "clean": f"{len(time):,} hours without a gap, none repeated; no NaN, no infinity",
            "convert": f"windows of {HISTORY} hours in, {HORIZON} hours out, one for each hour, {len(CHANNELS)} "
            f"channels ({', '.join(CHANNELS)}); in time order, validation and test take their history from the split "
            "before",
            "normalise": "inputs and labels standardised with the training split's means and deviations",
            "baseline": f"the last day repeated, mean squared error of standardised values: {', '.join(baselines)}",
            "linear model": "one linear map of the history for all channels (what DLinear, Zeng et al. 2023, can "
            f"become), least squares on training, mean squared error: {_linear_errors(splits)}",
        },
    )


def _linear_errors(splits: dict[str, Split]) -> str:
    """Fit `labels = history W + b`, the same for every channel, on training; return its error on every split.

    DLinear (Zeng et al. 2023, Are Transformers Effective for Time Series Forecasting?) splits the history linearly
    before two linear maps, so that it can become no other function than this.
    """
    rows = {name: _rows_of(split) for name, split in splits.items()}
    history, labels = rows["train"]
    gram = history.T @ history + RIDGE * np.eye(history.shape[1])
    weights = np.linalg.solve(gram, history.T @ labels)
    return ", ".join(f"{name} {np.mean((x @ weights - y) ** 2):.4f}" for name, (x, y) in rows.items())


def _rows_of(split: Split) -> tuple[Array, Array]:
    """Return each channel of each window as a row: `[N * 7, 97]` with a last column of ones, and `[N * 7, 24]`."""
    history = split.inputs[0].transpose(0, 2, 1).reshape(-1, split.inputs[0].shape[1]).astype(np.float64)
    assert split.labels is not None
    labels = split.labels.transpose(0, 2, 1).reshape(-1, HORIZON).astype(np.float64)
    return np.column_stack([history, np.ones(len(history))]), labels


def _require_channels(path: Path, names: tuple[str, ...]) -> None:
    if names != CHANNELS:
        raise DataError(
            str(path),
            found=f"channels {', '.join(names) or 'none'}",
            expected=", ".join(CHANNELS),
            next_step="get the file again",
        )


def _require_whole(subject: str, parts: dict[str, Array], time: Array) -> None:
    """Refuse gaps and NaN: the source has neither, so that a file with them is not the source's.

    Raises:
        DataError: says what and where.
    """
    for name, values in parts.items():
        if values.ndim != 2 or values.shape[1] != len(CHANNELS) or len(values) < HISTORY + HORIZON:
            raise DataError(
                f"{subject}: {name}",
                found=f"shape {list(values.shape)}",
                expected=f"[H, {len(CHANNELS)}] with {HISTORY + HORIZON} hours at least",
                next_step="get the file again",
            )
        if not np.isfinite(values).all():
            hour, channel = (int(i) for i in np.argwhere(~np.isfinite(values))[0])
            raise DataError(
                f"{subject}: {name}",
                found=f"NaN or infinity, the first in hour {hour}, {CHANNELS[channel]}",
                expected="a reading in every hour",
                next_step="get the file again",
            )
    hours = place_hours(subject, time)
    if (
        hours.num_missing
        or hours.num_repeated
        or (np.diff(time) < 0).any()
        or len(time) != sum(map(len, parts.values()))
    ):
        raise DataError(
            subject,
            found=f"{hours.num_missing} hours missing, {hours.num_repeated} repeated, or rows out of order",
            expected="one row for every hour, in order",
            next_step="get the file again",
        )
