"""ETTh1: windows that never look ahead, training statistics, the public table, gaps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgetool.data.load import load_dataset
from edgetool.data.sets import etth1
from edgetool.data.sets.etth1 import CHANNELS, HISTORY, HORIZON, make_dataset, read_csv
from edgetool.errors import DataError

SIZES = {"train": 200, "val": 60, "test": 60}


def _parts() -> dict[str, np.ndarray]:
    """Values that rise by one an hour in every channel, so that a value says which hour it is of."""
    rows = np.arange(sum(SIZES.values()), dtype=np.float32)[:, None] + 1000.0 * np.arange(len(CHANNELS))
    ends = np.cumsum(list(SIZES.values()))[:-1]
    return dict(zip(SIZES, np.split(rows.astype(np.float32), ends), strict=True))


@pytest.fixture(autouse=True)
def _short_splits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(etth1, "SPLIT_HOURS", SIZES)


@pytest.fixture
def _short_history(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(etth1, "HISTORY", 30)
    monkeypatch.setattr(etth1, "HORIZON", 24)


def _make(parts: dict[str, np.ndarray], time: np.ndarray | None = None) -> etth1.Dataset:
    hours = np.arange(sum(len(values) for values in parts.values())) * 3600 if time is None else time
    return make_dataset(parts, hours, source="s", digest="d", subject="file")


@pytest.mark.usefixtures("_short_history")
def test_forecasts_take_their_history_from_before_and_stay_in_their_split() -> None:
    data = _make(_parts())
    mean, std = np.arange(200).mean(), np.arange(200).std()
    firsts = {"train": 30, "val": 200, "test": 260}
    for split in (data.train, data.val, data.test):
        assert split is not None and split.labels is not None
        inputs, labels = split.inputs[0] * std + mean, split.labels * std + mean
        first, end = firsts[split.name], firsts[split.name] + SIZES[split.name] - (30 if split.name == "train" else 0)
        assert split.num_samples == end - first - 23
        np.testing.assert_allclose(labels[:, 0, 0], np.arange(first, end - 23), atol=1e-3)
        np.testing.assert_allclose(labels[:, -1, 0], labels[:, 0, 0] + 23, atol=1e-3)
        np.testing.assert_allclose(inputs[:, -1], labels[:, 0] - 1, atol=1e-3)
        np.testing.assert_allclose(inputs[:, 0], labels[:, 0] - 30, atol=1e-3)


@pytest.mark.usefixtures("_short_history")
def test_a_line_is_forecast_by_the_linear_model_and_not_by_the_last_day() -> None:
    facts = _make(_parts()).facts
    errors = [float(part.split()[1]) for part in facts["linear model"].rpartition(": ")[2].split(", ")]
    assert (
        max(errors) < 1e-3 < min(float(part.split()[1]) for part in facts["baseline"].rpartition(": ")[2].split("), "))
    )


@pytest.mark.usefixtures("_short_history")
def test_statistics_are_those_of_training() -> None:
    parts = _parts()
    plain = _make(parts)
    parts["test"] = parts["test"] * 100.0
    changed = _make(parts)
    assert plain.val is not None and changed.val is not None
    np.testing.assert_array_equal(plain.val.inputs[0], changed.val.inputs[0])


def test_the_baseline_repeats_the_last_day() -> None:
    parts = {name: np.zeros((200, 7), np.float32) for name in SIZES}
    parts["train"][1::2], parts["test"][:] = 1.0, np.arange(200, dtype=np.float32)[:, None]
    data = _make(parts)
    assert data.test is not None and data.test.labels is not None
    wanted = float(np.mean((data.test.inputs[0][:, -24:] - data.test.labels) ** 2))
    told = dict(part.split()[:2] for part in data.facts["baseline"].partition(": ")[2].split(", "))
    assert float(told["test"]) == pytest.approx(wanted, rel=1e-5) and "(n = 177)" in data.facts["baseline"]
    assert "train 0.0000" in data.facts["baseline"]  # a day has an even number of hours


@pytest.mark.parametrize("wrong", ["gap", "repeat", "order"])
def test_hours_missing_repeated_or_out_of_order_are_refused(wrong: str) -> None:
    parts = {name: np.zeros((200, 7), np.float32) for name in SIZES}
    time = np.arange(600) * 3600
    if wrong == "gap":
        time[300:] += 3600
    elif wrong == "repeat":
        time[300:] -= 3600
    else:
        time[[300, 301]] = time[[301, 300]]
    with pytest.raises(DataError, match=r"1 hours missing|1 repeated|out of order"):
        _make(parts, time)


def test_nan_is_named() -> None:
    parts = {name: np.zeros((200, 7), np.float32) for name in SIZES}
    parts["val"][17, 6] = np.nan
    with pytest.raises(DataError, match="val: NaN or infinity, the first in hour 17, OT"):
        _make(parts)


def test_too_short_a_split_is_refused() -> None:
    parts = {name: np.zeros((HISTORY + HORIZON - 1, 7), np.float32) for name in SIZES}
    with pytest.raises(DataError, match="120 hours at least"):
        _make(parts)


def _table(path: Path, num_rows: int, header: str = "date," + ",".join(CHANNELS)) -> Path:
    start = np.datetime64("2016-07-01T00:00:00")
    rows = [
        f"{str(start + np.timedelta64(hour, 'h')).replace('T', ' ')},{','.join(str(hour + c / 10) for c in range(7))}"
        for hour in range(num_rows)
    ]
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def test_the_public_table(tmp_path: Path) -> None:
    time, values = read_csv(_table(tmp_path / "t.csv", 3))
    assert time.tolist() == [1467331200, 1467334800, 1467338400]
    assert values.dtype == np.float32 and values[2].tolist() == pytest.approx([2, 2.1, 2.2, 2.3, 2.4, 2.5, 2.6])


def test_another_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="channels a, b"):
        read_csv(_table(tmp_path / "t.csv", 3, "date,a,b"))
    (tmp_path / "u.csv").write_text("date," + ",".join(CHANNELS) + "\n2016-07-01 00:00:00,1,2,3,4,5,6,\n")
    with pytest.raises(DataError, match="no table of hourly readings"):
        read_csv(tmp_path / "u.csv")


def test_the_public_download_loads_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EDGETOOL_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(etth1, "SPLIT_HOURS", dict.fromkeys(SIZES, 150))
    monkeypatch.setattr(etth1, "URL", _table(tmp_path / "served.csv", 500).as_uri())
    data = load_dataset("etth1")
    assert data.train is not None and data.train.num_samples == 150 - 96 - 23
    assert data.test is not None and data.test.num_samples == 150 - 23


def test_the_real_file(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGETOOL_DATA", str(shared_data))
    monkeypatch.setattr(etth1, "SPLIT_HOURS", {"train": 8640, "val": 2880, "test": 2880})
    data = load_dataset("etth1")
    assert data.train is not None and data.val is not None and data.test is not None
    assert [split.num_samples for split in (data.train, data.val, data.test)] == [8521, 2857, 2281]
    assert "test 0.4388 (n = 2,281)" in data.facts["baseline"]
