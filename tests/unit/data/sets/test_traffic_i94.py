"""Traffic: what a window shows, hours without reading, the public table, wrong units."""

from __future__ import annotations

import dataclasses
import gzip
from pathlib import Path

import numpy as np
import pytest

from edgetool.data.load import load_dataset
from edgetool.data.sets import traffic_i94
from edgetool.data.sets.traffic_i94 import FEATURES, WEEK, WINDOW, Readings, make_dataset, read_csv
from edgetool.errors import DataError

NUM_HOURS = 1000
HEADER = "holiday,temp,rain_1h,snow_1h,clouds_all,weather_main,weather_description,date_time,traffic_volume"


def _readings(num_hours: int = NUM_HOURS) -> Readings:
    """Volumes that rise by one vehicle an hour, so that a value says which hour it is of."""
    hours = np.arange(num_hours)
    return Readings(
        time=hours * 3600,
        volume=1000.0 + hours,
        temperature=280.0 + hours % 24,
        clouds=(hours % 101).astype(float),
        weather=np.where(hours % 7 == 0, "Snow", np.where(hours % 7 == 1, "Fog", "Clear")),
    )


def _make(readings: Readings) -> tuple[np.ndarray, ...]:
    data = make_dataset(readings, source="s", digest="d", subject="file")
    assert data.train is not None and data.val is not None and data.test is not None
    return tuple(split.inputs[0] for split in (data.train, data.val, data.test)) + tuple(
        split.labels[:, 0] for split in (data.train, data.val, data.test) if split.labels is not None
    )


def test_a_window_ends_an_hour_before_its_label_and_splits_follow_in_time() -> None:
    train, val, test, *labels = _make(_readings())
    assert train.shape[1:] == (WINDOW, len(FEATURES)) and train.dtype == np.float32
    np.testing.assert_array_equal(labels[0], 1000 + np.arange(WEEK + WINDOW, 720))
    np.testing.assert_array_equal(labels[1], 1000 + np.arange(720, 800))
    np.testing.assert_array_equal(labels[2], 1000 + np.arange(800, 1000))
    mean, std = 1000 + np.arange(WEEK, 720).mean(), np.arange(WEEK, 720).std()
    for inputs, wanted in ((train, labels[0]), (val, labels[1]), (test, labels[2])):
        np.testing.assert_allclose(inputs[:, -1, 0] * std + mean, wanted - 1, atol=1e-2)
        np.testing.assert_allclose(inputs[:, 0, 0] * std + mean, wanted - WINDOW, atol=1e-2)
        # The week before the label stands in the last row, at its own scale: it rises from window to window alike.
        np.testing.assert_allclose(inputs[:, -1, 1] * std + (mean - WEEK + 1), wanted - WEEK, atol=1e-2)


def test_statistics_are_those_of_the_training_hours() -> None:
    changed = _readings()
    late = np.arange(NUM_HOURS) >= 720
    changed = dataclasses.replace(changed, temperature=np.where(late, 250.0, changed.temperature))
    np.testing.assert_array_equal(_make(changed)[0], _make(_readings())[0])


def test_an_hour_without_reading_is_filled_from_the_week_before_and_never_a_label() -> None:
    whole = _readings()
    gap = 500
    rows = np.arange(NUM_HOURS) != gap
    without = Readings(**{f.name: getattr(whole, f.name)[rows] for f in dataclasses.fields(whole)})
    data = make_dataset(without, source="s", digest="d", subject="file")
    assert data.train is not None and data.train.labels is not None
    assert 1000 + gap not in data.train.labels and len(data.train.labels) == 720 - WEEK - WINDOW - 1
    after = data.train.inputs[0][gap - WEEK - WINDOW]  # the window of the hour after the gap
    mean = data.train.inputs[0][0, :, 0]
    step = mean[1] - mean[0]
    np.testing.assert_allclose((after[-1, 0] - after[-2, 0]) / step, 1 - WEEK, rtol=1e-3)
    assert after[-1, 3] == after[-2, 3]  # clouds of the hour before
    assert "1 of 1,000 hours without volume (1 without a row)" in data.facts["clean"]


def test_nan_and_values_out_of_range_count_as_no_reading() -> None:
    readings = _readings()
    readings.volume[300], readings.temperature[400], readings.volume[850] = np.nan, 0.0, 1e6
    data = make_dataset(readings, source="s", digest="d", subject="file")
    assert "2 values out of range taken as no reading; 2 of 1,000 hours without volume" in data.facts["clean"]
    assert data.test is not None and data.test.num_samples == 199
    assert np.isfinite(data.test.inputs[0]).all()


def test_the_baseline_is_the_same_hour_last_week() -> None:
    facts = make_dataset(_readings(), source="s", digest="d", subject="file").facts
    assert "test 168.0 (n = 200)" in facts["baseline"] and "vehicles/h" in facts["baseline"]


def test_weather_is_told_in_three_kinds() -> None:
    readings = _readings()
    data = make_dataset(readings, source="s", digest="d", subject="file")
    assert data.train is not None
    rain, snow, mist = (data.train.inputs[0][:, -1, FEATURES.index(name)] for name in ("rain", "snow", "mist"))
    last = np.arange(WEEK + WINDOW, 720) - 1
    assert not rain.any()
    np.testing.assert_array_equal(snow > 0, last % 7 == 0)
    np.testing.assert_array_equal(mist > 0, last % 7 == 1)


@pytest.mark.parametrize(
    ("column", "values", "expected"),
    [
        ("temperature", np.full(NUM_HOURS, 15.0), "expected kelvin"),
        ("volume", np.full(NUM_HOURS, -1.0), "expected vehicles/h"),
        ("clouds", np.full(NUM_HOURS, 240.0), "expected percent"),
    ],
)
def test_a_column_in_another_unit_is_refused(column: str, values: np.ndarray, expected: str) -> None:
    with pytest.raises(DataError, match=expected):
        make_dataset(dataclasses.replace(_readings(), **{column: values}), source="s", digest="d", subject="file")


def test_too_few_hours_are_refused() -> None:
    with pytest.raises(DataError, match="200 hours, 160 of them before the test"):
        make_dataset(_readings(200), source="s", digest="d", subject="file")


def _table(path: Path, rows: list[str], header: str = HEADER) -> Path:
    path.write_bytes(gzip.compress("\n".join([header, *rows]).encode()))
    return path


def test_the_public_table_is_read_from_october_2016(tmp_path: Path) -> None:
    rows = [
        "None,271.1,0.0,0.0,5,Clear,sky is clear,2016-09-30 23:00:00,9",
        "None,288.28,0.0,0.0,40,Clouds,scattered clouds,2016-10-01 00:00:00,5545",
        "None,288.28,0.0,0.0,40,Rain,light rain,2016-10-01 00:00:00,5545",
        "Columbus Day,289.36,0.5,0.0,75,Snow,snow,2016-10-01 02:00:00,4516",
    ]
    found = read_csv(_table(tmp_path / "t.csv.gz", rows))
    assert found.time.tolist() == [1475280000, 1475280000, 1475287200]
    assert found.volume.tolist() == [5545, 5545, 4516] and found.weather.tolist() == ["Clouds", "Rain", "Snow"]
    assert found.temperature.tolist() == [288.28, 288.28, 289.36] and found.clouds.tolist() == [40, 40, 75]


@pytest.mark.parametrize(
    ("rows", "header"),
    [
        (["None,warm,0,0,5,Clear,x,2016-10-01 00:00:00,9"], HEADER),
        (["None,288,0,0,5,Clear,x,01-10-2016 00:00,9"], HEADER),
        (["1,2"], "a,b"),
        (["None,288"], HEADER),
    ],
)
def test_another_table_is_refused(tmp_path: Path, rows: list[str], header: str) -> None:
    with pytest.raises(DataError, match="no table of hourly readings"):
        read_csv(_table(tmp_path / "t.csv.gz", rows, header))


def test_a_cut_download_is_refused(tmp_path: Path) -> None:
    path = _table(tmp_path / "t.csv.gz", ["None,288,0,0,5,Clear,x,2016-10-01 00:00:00,9"] * 100)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match="delete it"):
        read_csv(path)


def test_the_public_download_loads_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EDGETOOL_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    first = np.datetime64("2016-10-01T00:00:00")
    rows = [
        f"None,280.5,0,0,40,Clouds,x,{str(first + np.timedelta64(hour, 'h')).replace('T', ' ')},{1000 + hour}"
        for hour in range(NUM_HOURS)
    ]
    monkeypatch.setattr(traffic_i94, "URL", _table(tmp_path / "served.csv.gz", rows).as_uri())
    data = load_dataset("traffic-i94")
    assert data.val is not None and data.val.num_samples == 80 and len(data.digest) == 64
    assert data.test is not None and data.test.labels is not None and data.test.labels[0, 0] == 1800


def test_a_shared_file_without_its_columns_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGETOOL_DATA", str(tmp_path))
    rows, time = np.zeros((4, 2), np.float32), np.arange(4) * 3600
    arrays = {"x_train": rows, "y_train": rows[:, 0], "time_train": time, "x_test": rows, "y_test": rows[:, 0]}
    names = {"feature_names": np.array(["temp", "clouds_all"]), "weather_names": np.array(["", "Clear"])}
    np.savez(tmp_path / "traffic_i94.npz", **arrays, **names, time_test=time + 4 * 3600)
    with pytest.raises(DataError, match="expected columns temp, clouds_all and weather_code"):
        load_dataset("traffic-i94")


def test_the_real_file(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGETOOL_DATA", str(shared_data))
    data = load_dataset("traffic-i94")
    assert data.train is not None and data.val is not None and data.test is not None
    assert [split.num_samples for split in (data.train, data.val, data.test)] == [12337, 1390, 2798]
    assert "104 of 16,819 hours without volume" in data.facts["clean"]
    assert "test 254.9 (n = 2,798)" in data.facts["baseline"]
