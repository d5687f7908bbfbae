"""Spoken digits from the source's archive and from arrays; what is no such recording is named."""

from __future__ import annotations

import io
import wave
import zipfile
from pathlib import Path

import numpy as np
import pytest

from edgetool.data.load import load_dataset
from edgetool.data.sets import spoken_digits
from edgetool.errors import DataError


def _wave(samples: np.ndarray, *, rate: int = 8_000, channels: int = 1) -> bytes:
    stream = io.BytesIO()
    with wave.open(stream, "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(samples.astype("<i2").tobytes())
    return stream.getvalue()


def _sound(digit: int, number: int) -> np.ndarray:
    time = np.arange(3_000 + 100 * number) / 8_000
    return np.round(8_000 * np.sin(2 * np.pi * (300 + 100 * digit + number) * time))


def _archive(path: Path, *, numbers: range = range(8), **damage: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("free-spoken-digit-dataset-26eb9aa/README.md", "words")
        for digit in range(10):
            for number in numbers:
                name = f"free-spoken-digit-dataset-26eb9aa/recordings/{digit}_theo_{number}.wav"
                archive.writestr(name, damage.get("content") or _wave(_sound(digit, number)))
    return path


def test_numbers_below_five_are_the_test_part(tmp_path: Path) -> None:
    found = spoken_digits.read_archive(_archive(tmp_path / "fsdd.zip"))
    assert found.train.waves.shape == (30, 8_000) and found.test.waves.shape == (50, 8_000)
    np.testing.assert_array_equal(found.test.labels, np.repeat(np.arange(10), 5))
    np.testing.assert_array_equal(found.train.lengths[:3], [3_500, 3_600, 3_700])
    np.testing.assert_array_equal(found.train.waves[0, :3_500], _sound(0, 5))
    assert not found.train.waves[0, 3_500:].any()


def test_long_recordings_are_cut(tmp_path: Path) -> None:
    found = spoken_digits.read_archive(_archive(tmp_path / "fsdd.zip", content=_wave(np.arange(9_000))))
    np.testing.assert_array_equal(found.test.waves[0], np.arange(8_000))
    assert found.test.lengths[0] == 9_000


def test_the_download_becomes_standardised_mfccs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EDGETOOL_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(spoken_digits, "URL", _archive(tmp_path / "served.zip", numbers=range(15)).as_uri())
    found = load_dataset("spoken-digits")
    assert found.train is not None and found.val is not None and found.test is not None
    assert [split.num_samples for split in (found.train, found.val, found.test)] == [90, 10, 50]
    x = found.train.inputs[0]
    assert x.shape[1:] == (49, 10, 1) and x.dtype == np.float32
    np.testing.assert_allclose(x.mean(axis=(0, 1, 3)), 0.0, atol=1e-4)
    np.testing.assert_allclose(x.std(axis=(0, 1, 3)), 1.0, atol=1e-4)
    assert abs(float(found.test.inputs[0].mean())) > 1e-4  # statistics are those of train alone
    assert "training split" in found.facts["normalise"] and "49, 10, 1" in found.facts["convert"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"RIFF and no more", "no readable WAV"),
        (_wave(np.zeros(10), rate=16_000), "16000 Hz, 1 channels, 16 bits"),
        (_wave(np.zeros(10), channels=2), "2 channels"),
    ],
)
def test_other_recordings_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        spoken_digits.read_archive(_archive(tmp_path / "fsdd.zip", content=content))


def test_a_damaged_and_an_empty_archive_are_refused(tmp_path: Path) -> None:
    whole = _archive(tmp_path / "fsdd.zip")
    whole.write_bytes(whole.read_bytes()[:-50])
    with pytest.raises(DataError, match="damaged archive"):
        spoken_digits.read_archive(whole)
    with pytest.raises(DataError, match="training or the test part"):
        spoken_digits.read_archive(_archive(tmp_path / "none.zip", numbers=range(3)))


def _arrays(folder: Path, **replaced: np.ndarray) -> None:
    arrays = {
        f"{key}_{part}": value
        for part in ("train", "test")
        for key, value in {
            "x": np.zeros((4, 8_000), np.int16),
            "y": np.arange(4, dtype=np.uint8),
            "length": np.full(4, 3_000, np.int32),
        }.items()
    }
    kept = {key: value for key, value in {**arrays, **replaced}.items() if value.size}
    np.savez(folder / "spoken_digits.npz", **kept)


@pytest.mark.parametrize(
    ("replaced", "message"),
    [
        ({"length_test": np.zeros(0)}, "no array 'length_test'"),
        ({"y_train": np.array([0, 1, 2, 10], np.uint8)}, "labels from 0 to 10"),
        ({"x_train": np.zeros((4, 8_000), np.float32)}, "float32 of shape"),
        ({"x_test": np.zeros((4, 4_000), np.int16)}, r"shape \[4, 4000\]"),
        ({"y_test": np.zeros(3, np.uint8)}, "4 recordings, 3 labels"),
    ],
)
def test_arrays_that_are_no_spoken_digits_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, replaced: dict[str, np.ndarray], message: str
) -> None:
    monkeypatch.setenv("EDGETOOL_DATA", str(tmp_path))
    _arrays(tmp_path, **replaced)
    with pytest.raises(DataError, match=message):
        spoken_digits.load()


def test_the_shared_file(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGETOOL_DATA", str(shared_data))
    found = load_dataset("spoken-digits")
    assert found.train is not None and found.val is not None and found.test is not None
    assert [split.num_samples for split in (found.train, found.val, found.test)] == [2430, 270, 240]
    assert "20 recordings cut at 1 s" in found.facts["clean"]
