"""Traffic on I-94: windows of past hours, labelled with the next hour's volume in vehicles per hour.

Source: UCI "Metro Interstate Traffic Volume" (Minnesota DOT, station 301, westbound; J. Hogue), from
`$EDGETOOL_DATA/traffic_i94.npz` or the public download. Rain and snow amounts are not used: over these two years the
source has rain in 12 of the 14,016 training hours and no snow, so that the weather's name says more.
"""

from __future__ import annotations

import csv
import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgetool.artifact import digest_path
from edgetool.data.dataset import Array, Dataset, Split
from edgetool.data.download import download, shared_file
from edgetool.data.sets.arrays import read_arrays
from edgetool.data.sets.hourly import HOUR, hour_windows, place_hours, sine_and_cosine
from edgetool.data.stages import standardise
from edgetool.errors import DataError

__all__ = ["FEATURES", "WINDOW", "Readings", "load", "make_dataset", "read_csv"]

URL = "https://archive.ics.uci.edu/ml/machine-learning-databases/00492/Metro_Interstate_Traffic_Volume.csv.gz"
SOURCE = "UCI Metro Interstate Traffic Volume (Minnesota DOT, I-94 westbound; CC BY 4.0 there)"
#: The public file goes back to 2012, with gaps of months.
FIRST_HOUR = np.datetime64("2016-10-01T00:00:00")
#: Share of the hours, in time order, that is for training and validation; of these the last `VAL_FRACTION` validate.
TRAIN_FRACTION = 0.8
VAL_FRACTION = 0.1

#: Hours of history that a sample shows, and the week before that its first row looks back to.
WINDOW = 24
WEEK = 168

#: Of each row, the hour t of the window; "next" is the hour after it.
FEATURES = (
    "volume",
    "volume a week before the next hour",
    "temperature",
    "clouds",
    "rain",
    "snow",
    "mist",
    "sine of the next hour of day",
    "cosine",
    "sine of the next hour of week",
    "cosine",
)
WEATHER = {
    "rain": ("Drizzle", "Rain", "Squall", "Thunderstorm"),
    "snow": ("Snow",),
    "mist": ("Fog", "Haze", "Mist", "Smoke"),
}

#: What readings may be: vehicles/h, kelvin, percent. Others count as no reading.
RANGES = {"volume": (0.0, 20_000.0), "temperature": (200.0, 330.0), "clouds": (0.0, 100.0)}
#: With more than this share out of range the column is in another unit.
MAX_OUT_OF_RANGE = 0.01


@dataclass(frozen=True, slots=True)
class Readings:
    """Rows as read, in any order.

    Attributes:
        time: `[N]` int64 seconds of local clock time.
        volume: `[N]` vehicles/h; NaN: no reading.
        temperature: `[N]` kelvin; NaN: no reading.
        clouds: `[N]` percent; NaN: no reading.
        weather: `[N]` names; empty: no reading.
    """

    time: Array
    volume: Array
    temperature: Array
    clouds: Array
    weather: Array


def load() -> Dataset:
    """Load the windows: float32 `[N, 24, 11]` standardised, labels float32 `[N, 1]` in vehicles/h.

    Raises:
        NetworkError: the file is not there and cannot be downloaded.
        DataError: damaged, or columns in other units.
    """
    path = shared_file("traffic_i94.npz")
    if path is None:
        path = download(URL)
        return make_dataset(read_csv(path), source=f"{SOURCE}, {URL}", digest=digest_path(path), subject=str(path))
    arrays = read_arrays(
        path, ("x_train", "y_train", "time_train", "x_test", "y_test", "time_test", "feature_names", "weather_names")
    )
    rows = np.concatenate([arrays["x_train"], arrays["x_test"]])
    names = [str(name) for name in arrays["feature_names"]]
    missing = [name for name in ("temp", "clouds_all", "weather_code") if name not in names]
    if missing or rows.ndim != 2 or rows.shape[1] != len(names):
        raise DataError(
            str(path),
            found=f"rows of shape {list(rows.shape)} with the columns {', '.join(names)}",
            expected="columns temp, clouds_all and weather_code",
            next_step="get the file again",
        )
    readings = Readings(
        time=np.concatenate([arrays["time_train"], arrays["time_test"]]),
        volume=np.concatenate([arrays["y_train"], arrays["y_test"]]),
        temperature=rows[:, names.index("temp")],
        clouds=rows[:, names.index("clouds_all")],
        weather=_weather(path, arrays["weather_names"], rows[:, names.index("weather_code")]),
    )
    first_test = int(arrays["time_test"].min()) if arrays["time_test"].size else None
    return make_dataset(readings, source=SOURCE, digest=digest_path(path), subject=str(path), first_test=first_test)


def read_csv(path: Path) -> Readings:
    """Read the public gzip-compressed table; rows before October 2016 are left out.

    Raises:
        DataError: damaged, or another table.
    """
    columns = ("date_time", "traffic_volume", "temp", "clouds_all", "weather_main")
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
            rows = [[row[column] for column in columns] for row in csv.DictReader(stream, restval="?")]
        time = np.array([row[0] for row in rows], "datetime64[s]")
        numbers = np.array([row[1:4] for row in rows], np.float64).reshape(-1, 3)
    except (OSError, EOFError, KeyError, ValueError, TypeError, csv.Error, zlib.error) as exc:
        raise DataError(
            str(path),
            found=f"no table of hourly readings ({type(exc).__name__}: {exc})",
            expected=f"a gzip-compressed CSV with {', '.join(columns)}",
            next_step="delete it, so that it is downloaded again",
        ) from None
    kept = time >= FIRST_HOUR
    weather = np.array([row[4] for row in rows], str)
    return Readings(time[kept].astype(np.int64), numbers[kept, 0], numbers[kept, 1], numbers[kept, 2], weather[kept])


def make_dataset(
    readings: Readings, *, source: str, digest: str, subject: str, first_test: int | None = None
) -> Dataset:
    """Clean the readings and cut windows.

    An hour without reading takes a value from before it: the volume that of the same hour a week before (in the first
    week, of the hour before), the weather that of the hour before. It is history only, never a label.

    Args:
        readings: rows as read.
        source: The source that reports name.
        digest: The SHA-256 of the file.
        subject: the file, for messages.
        first_test: seconds of the first test hour; default: after the first 80 % of the hours.

    Raises:
        DataError: columns in other units, too few hours, or times that are no hours.
    """
    hours = place_hours(subject, readings.time)
    columns, num_out_of_range = _in_range(subject, readings)
    raw = {name: hours.place(values) for name, values in columns.items()}
    weather = np.where(hours.row >= 0, readings.weather[hours.row], "")
    volume, num_filled = _fill_volume(raw["volume"])
    series = _features(hours.time, volume, {name: _carry(raw[name]) for name in ("temperature", "clouds")}, weather)
    num_hours = len(volume)
    start = int(num_hours * TRAIN_FRACTION) if first_test is None else int(np.searchsorted(hours.time, first_test))
    num_fit = start - int(start * VAL_FRACTION)
    first = WEEK + WINDOW  # the first label whose whole window has a week before it
    if min(num_fit, start - 1) <= first or start >= num_hours:
        raise DataError(
            subject,
            found=f"{num_hours:,} hours, {start:,} of them before the test",
            expected=f"more than {first} hours of training, then validation and test",
            next_step="get the file again",
        )
    (_, scaled), _, _ = standardise(series[WEEK:num_fit], series)
    ends = {"train": (first, num_fit), "val": (num_fit, start), "test": (start, num_hours)}
    splits, baselines = {}, []
    for name, (low, high) in ends.items():
        labelled = low + np.flatnonzero(~np.isnan(raw["volume"][low:high]))
        splits[name] = Split(
            name,
            (hour_windows(scaled, labelled, WINDOW).astype(np.float32),),
            volume[labelled, None].astype(np.float32),
        )
        error = np.abs(volume[labelled] - volume[labelled - WEEK])
        baselines.append(f"{name} {error.mean():.1f} (n = {len(error):,})")
    clean = (
        f"{hours.num_repeated:,} rows of an hour that has one left out; {num_out_of_range:,} values out of range taken "
        f"as no reading; {num_filled:,} of {num_hours:,} hours without volume ({hours.num_missing:,} without a row): "
        "as history they take the volume of the same hour a week before and the weather of the hour before, as labels "
        "they are left out"
    )
    return Dataset(
        name="traffic-i94",
        train=splits["train"],
        val=splits["val"],
        test=splits["test"],
        source=source,
        digest=digest,
        facts={
            "clean": clean,
            "convert": f"windows of {WINDOW} hours, {len(FEATURES)} features ({', '.join(FEATURES)}); label: the next "
            "hour's volume; in time order, test windows look back into validation",
            "normalise": "inputs standardised with the training split's means and deviations; labels in vehicles/h",
            "baseline": f"same hour last week, mean absolute error in vehicles/h: {', '.join(baselines)}",
        },
    )


def _weather(path: Path, names: Array, codes: Array) -> Array:
    """Return the names that codes stand for; NaN: none.

    Raises:
        DataError: a code without a name.
    """
    known = np.nan_to_num(codes, nan=0.0).astype(np.int64)
    if known.size and not 0 <= known.min() <= known.max() < len(names):
        raise DataError(
            f"{path}: weather_code",
            found=f"codes {known.min()} to {known.max()}",
            expected=f"0 to {len(names) - 1}, the names in weather_names",
            next_step="get the file again",
        )
    return np.where(np.isnan(codes), "", names.astype(str)[known])


def _in_range(subject: str, readings: Readings) -> tuple[dict[str, Array], int]:
    """Return the columns of numbers, out-of-range values as NaN, and how many there were.

    Raises:
        DataError: so many in one column that it must be in another unit.
    """
    columns, total = {}, 0
    for name, (low, high) in RANGES.items():
        values = getattr(readings, name).astype(np.float64)
        wrong = (values < low) | (values > high) | np.isinf(values)
        if wrong.sum() > MAX_OUT_OF_RANGE * len(values):
            units = {"volume": "vehicles/h", "temperature": "kelvin", "clouds": "percent"}
            raise DataError(
                f"{subject}: {name}",
                found=f"{int(wrong.sum()):,} of {len(values):,} values outside {low:g} to {high:g}",
                expected=units[name],
                next_step="convert the column to that unit",
            )
        columns[name] = np.where(wrong, np.nan, values)
        total += int(wrong.sum())
    return columns, total


def _fill_volume(raw: Array) -> tuple[Array, int]:
    """Return the volume without NaN, filled from before, and how many hours were filled."""
    missing = np.isnan(raw)
    filled = raw.copy()
    filled[:WEEK] = _carry(raw[:WEEK])
    for hour in WEEK + np.flatnonzero(missing[WEEK:]):
        filled[hour] = filled[hour - WEEK]
    return filled, int(missing.sum())


def _carry(raw: Array) -> Array:
    """Return a series in which each NaN is the value before it; NaN at the start take the first value."""
    known = np.flatnonzero(~np.isnan(raw))
    if not known.size:
        return np.zeros_like(raw)
    last = np.searchsorted(known, np.arange(len(raw)), side="right") - 1
    return np.asarray(raw[known[np.maximum(last, 0)]])


def _features(time: Array, volume: Array, weather: dict[str, Array], names: Array) -> Array:
    """Return float64 `[H, 11]`, see `FEATURES`; the first week's rows lack what was a week before (0)."""
    following = time + HOUR
    week_before = np.zeros_like(volume)
    week_before[WEEK - 1 :] = volume[: len(volume) - WEEK + 1]
    code = np.unique(names, return_inverse=True)
    carried = _carry(np.where(names == "", np.nan, code[1].astype(np.float64))).astype(np.int64)
    carried_names = code[0][carried]
    return np.stack(
        [
            volume,
            week_before,
            weather["temperature"],
            weather["clouds"],
            *(np.isin(carried_names, kinds).astype(np.float64) for kinds in WEATHER.values()),
            *sine_and_cosine(following, 24),
            *sine_and_cosine(following, WEEK),
        ],
        axis=1,
    )
