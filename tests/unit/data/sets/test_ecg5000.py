"""ECG5000: both layouts, beats in other units normalised again, gaps refused."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from edgetool.data.dataset import Array
from edgetool.data.load import load_dataset
from edgetool.data.sets import ecg5000
from edgetool.errors import DataError


def _beats(count: int, seed: int = 0) -> Array:
    beats = np.random.default_rng(seed).normal(size=(count, 140))
    beats = (beats - beats.mean(axis=1, keepdims=True)) / beats.std(axis=1, keepdims=True)
    return beats.astype(np.float32)


def _save(folder: Path, **changes: object) -> None:
    arrays = {
        "x_train": _beats(30),
        "y_train": np.arange(30, dtype=np.uint8) % 5,
        "x_test": _beats(10, 1),
        "y_test": np.arange(10, dtype=np.uint8) % 5,
        **changes,
    }
    np.savez(folder / "ecg5000_small.npz", **{key: value for key, value in arrays.items() if value is not None})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EDGETOOL_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def test_beats_get_a_channel_and_stay_as_they_are(folder: Path) -> None:
    _save(folder)
    data = load_dataset("ecg5000")
    assert data.train is not None and data.val is not None and data.test is not None
    assert data.test.inputs[0].shape == (10, 140, 1) and data.test.inputs[0].dtype == np.float32
    np.testing.assert_array_equal(data.test.inputs[0][..., 0], _beats(10, 1))
    assert "; 0 not of mean 0" in data.facts["clean"] and "one" in data.facts["patients"]


def test_beats_in_other_units_are_normalised_again_and_counted(folder: Path) -> None:
    beats = _beats(10, 1)
    beats[:3] = beats[:3] * 1000 + 50
    _save(folder, x_test=beats)
    data = load_dataset("ecg5000")
    assert data.test is not None and "; 3 not of mean 0 and standard deviation 1" in data.facts["clean"]
    np.testing.assert_allclose(data.test.inputs[0][..., 0], _beats(10, 1), atol=1e-4)


def _with(value: float, part: slice) -> Array:
    beats = _beats(10, 1)
    beats[2, part] = value
    return beats


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"y_train": None}, "but no y_train"),
        ({"x_test": _beats(10)[:, :100]}, r"test: beats of shape \[10, 100\]"),
        ({"y_test": np.arange(10) - 1}, "test: classes: -1 in row 1 and 4 more such values"),
        ({"x_test": _with(np.nan, slice(5, 9))}, r"1 beats with a gap or no movement, the first in row 3"),
        ({"x_test": _with(0.5, slice(None))}, r"1 beats with a gap or no movement, the first in row 3"),
    ],
)
def test_another_layout_or_a_gap_is_refused(folder: Path, changes: dict[str, object], message: str) -> None:
    _save(folder, **changes)
    with pytest.raises(DataError, match=message):
        load_dataset("ecg5000")


def _archive(path: Path, *, width: int = 140) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, count in (("TRAIN", 20), ("TEST", 12)):
            labels, beats = np.arange(count) % 5 + 1, _beats(count, count)[:, :width]
            lines = [
                "  ".join(f"{cell:.7e}" for cell in (label, *beat)) for label, beat in zip(labels, beats, strict=True)
            ]
            archive.writestr(f"ECG5000_{name}.txt", "  " + "\n  ".join(lines) + "\n")
            archive.writestr(f"ECG5000_{name}.arff", "no matter")
    return path


def test_the_public_archive_keeps_its_split(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ecg5000, "URL", _archive(folder / "served.zip").as_uri())
    data = load_dataset("ecg5000")
    assert data.train is not None and data.val is not None and data.test is not None
    assert data.train.num_samples + data.val.num_samples == 20 and data.test.num_samples == 12
    assert data.test.labels is not None and data.test.labels.tolist() == [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1]


def test_another_public_archive_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="100 numbers a line, expected a class and 140 points"):
        ecg5000.read_public(_archive(tmp_path / "a.zip", width=99), "test")
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("ECG5000_TEST.txt", "1 2 three\n")
    with pytest.raises(DataError, match="no table of numbers"):
        ecg5000.read_public(tmp_path / "b.zip", "test")


def test_the_real_beats(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGETOOL_DATA", str(shared_data))
    data = load_dataset("ecg5000")
    assert data.train is not None and data.val is not None and data.test is not None
    assert [split.num_samples for split in (data.train, data.val, data.test)] == [268, 31, 161]
    assert "; 0 not of mean 0" in data.facts["clean"]
