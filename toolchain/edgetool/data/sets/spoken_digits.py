"""`spoken-digits`: 3,000 English digits by six speakers, as MFCCs of one second."""

from __future__ import annotations

import io
import re
import wave
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgetool.artifact import digest_path
from edgetool.data.audio import MelSettings, log_mel, mfcc, to_waveform
from edgetool.data.dataset import Array, Dataset, Split
from edgetool.data.download import download, shared_file
from edgetool.data.sets.arrays import read_arrays
from edgetool.data.split import carve_validation
from edgetool.data.stages import count_duplicates, standardise
from edgetool.errors import DataError

__all__ = ["MFCC_SETTINGS", "NUM_COEFFICIENTS", "Clips", "Recordings", "load", "load_recordings", "read_archive"]

#: The commit that the split and the counts below were looked at; six speakers.
URL = "https://github.com/Jakobovski/free-spoken-digit-dataset/archive/26eb9aa.zip"
SOURCE = "Free Spoken Digit Dataset (Jackson et al.), commit 26eb9aa, CC BY-SA 4.0"

SAMPLE_RATE_HZ = 8_000
CLIP_SAMPLES = 8_000

#: Of each speaker and digit the recordings 0 to 4 are the test part (the source's README).
NUM_TEST_RECORDINGS = 5

#: MLPerf Tiny's front end at this sample rate: 49 frames of one second.
MFCC_SETTINGS = MelSettings(sample_rate_hz=SAMPLE_RATE_HZ)
NUM_COEFFICIENTS = 10
VAL_FRACTION = 0.1

_NAME = re.compile(r"recordings/(\d)_([a-z]+)_(\d+)\.wav$")


@dataclass(frozen=True, slots=True)
class Clips:
    """One part of the recordings.

    Attributes:
        waves: `[N, 8000]` int16 at 8 kHz: zeros behind short recordings, long ones cut.
        labels: `[N]` the digit, 0..9.
        lengths: `[N]` samples of the recording before padding; of cut ones 8,000 or more.
    """

    waves: Array
    labels: Array
    lengths: Array


@dataclass(frozen=True, slots=True)
class Recordings:
    """Both parts, and the SHA-256 of the file that they were read from."""

    train: Clips
    test: Clips
    digest: str


def load() -> Dataset:
    """Load the digits as standardised MFCCs, float32 `[N, 49, 10, 1]`; a seeded tenth of train is for validation.

    Raises:
        NetworkError: the recordings are not cached and cannot be downloaded.
        DataError: the file holds something else.
    """
    recordings = load_recordings()
    spectra = [
        mfcc(log_mel(to_waveform(part.waves), MFCC_SETTINGS), NUM_COEFFICIENTS)
        for part in (recordings.train, recordings.test)
    ]
    train = Split("train", (spectra[0],), recordings.train.labels)
    whole = Dataset("spoken-digits", train, None, Split("test", (spectra[1],), recordings.test.labels))
    carved = carve_validation(whole, fraction=VAL_FRACTION)
    splits = [split for split in (carved.train, carved.val, carved.test) if split is not None]
    scaled, mean, std = standardise(*(split.inputs[0] for split in splits))
    made = [Split(split.name, (array[..., None],), split.labels) for split, array in zip(splits, scaled, strict=True)]
    num_cut = sum(int((part.lengths >= CLIP_SAMPLES).sum()) for part in (recordings.train, recordings.test))
    return Dataset(
        name="spoken-digits",
        train=made[0],
        val=made[1],
        test=made[2],
        class_names=tuple(str(digit) for digit in range(10)),
        source=SOURCE,
        digest=recordings.digest,
        facts={
            **carved.facts,
            "clean": f"{count_duplicates(made)} duplicates; {num_cut} recordings cut at 1 s, others zero-padded",
            "convert": f"{MFCC_SETTINGS.describe()}, {NUM_COEFFICIENTS} MFCCs: float32 [49, 10, 1]",
            "normalise": f"(x - mean) / std of the training split: mean {_numbers(mean)}; std {_numbers(std)}",
            "test split": "the source's: recordings 0 to 4 of each speaker and digit; the speakers are those of train",
        },
    )


def load_recordings() -> Recordings:
    """Return the waveforms, from `$EDGETOOL_DATA/spoken_digits.npz` or the public archive.

    Raises:
        NetworkError, DataError: as `load`.
    """
    path = shared_file("spoken_digits.npz")
    if path is None:
        archive = download(URL, name="free-spoken-digit-dataset-26eb9aa.zip")
        return read_archive(archive)
    names = ("train", "test")
    arrays = read_arrays(path, [f"{key}_{name}" for name in names for key in ("x", "y", "length")])
    parts = [
        Clips(arrays[f"x_{name}"], arrays[f"y_{name}"].astype(np.int64), arrays[f"length_{name}"].astype(np.int64))
        for name in names
    ]
    return _checked(Recordings(parts[0], parts[1], digest_path(path)), path)


def read_archive(path: Path) -> Recordings:
    """Read the source's zip: `recordings/<digit>_<speaker>_<number>.wav`, 8 kHz, one channel, 16 bits.

    Raises:
        DataError: damaged, or recordings of another format.
    """
    recordings: list[tuple[bool, int, Array]] = []
    try:
        with zipfile.ZipFile(path) as archive:
            for name in sorted(archive.namelist()):
                match = _NAME.search(name)
                if match is not None:
                    samples = _read_wave(f"{path}: {name}", archive.read(name))
                    recordings.append((int(match[3]) < NUM_TEST_RECORDINGS, int(match[1]), samples))
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError) as exc:
        raise DataError(
            str(path), found=f"a damaged archive ({exc})", expected="recordings/*.wav", next_step="delete the file"
        ) from None
    parts = [_stack([item for item in recordings if item[0] == is_test], path) for is_test in (False, True)]
    return _checked(Recordings(parts[0], parts[1], digest_path(path)), path)


def _read_wave(subject: str, content: bytes) -> Array:
    try:
        with wave.open(io.BytesIO(content)) as stream:
            kind = (stream.getframerate(), stream.getnchannels(), 8 * stream.getsampwidth())
            samples = stream.readframes(stream.getnframes())
    except (wave.Error, EOFError) as exc:
        raise DataError(
            subject, found=f"no readable WAV ({exc})", expected="PCM", next_step="get the archive again"
        ) from None
    if kind != (SAMPLE_RATE_HZ, 1, 16):
        raise DataError(
            subject,
            found="{} Hz, {} channels, {} bits".format(*kind),
            expected=f"{SAMPLE_RATE_HZ} Hz, 1 channel, 16 bits",
            next_step="convert the recording",
        )
    return np.frombuffer(samples, "<i2").astype(np.int16)


def _stack(recordings: list[tuple[bool, int, Array]], path: Path) -> Clips:
    if not recordings:
        raise DataError(
            str(path),
            found="no recordings/<digit>_<speaker>_<number>.wav of the training or the test part",
            expected="numbers 0 to 4 (test) and 5 onwards (train)",
            next_step="delete the file and run again",
        )
    waves = np.zeros((len(recordings), CLIP_SAMPLES), np.int16)
    for row, (_, _, samples) in zip(waves, recordings, strict=True):
        row[: len(samples)] = samples[:CLIP_SAMPLES]
    lengths = np.array([len(samples) for _, _, samples in recordings])
    return Clips(waves, np.array([digit for _, digit, _ in recordings]), lengths)


def _checked(recordings: Recordings, path: Path) -> Recordings:
    for name, part in (("train", recordings.train), ("test", recordings.test)):
        if part.waves.dtype != np.int16 or part.waves.ndim != 2 or part.waves.shape[1] != CLIP_SAMPLES:
            raise DataError(
                f"{path}: x_{name}",
                found=f"{part.waves.dtype} of shape {list(part.waves.shape)}",
                expected=f"int16 [N, {CLIP_SAMPLES}]: 1 s at {SAMPLE_RATE_HZ} Hz",
                next_step="get the file again",
            )
        if part.labels.min() < 0 or part.labels.max() > 9:
            raise DataError(
                f"{path}: y_{name}",
                found=f"labels from {part.labels.min()} to {part.labels.max()}",
                expected="digits, 0 to 9",
                next_step="get the file again",
            )
        if not (len(part.waves) == len(part.labels) == len(part.lengths)):
            raise DataError(
                f"{path}: {name}",
                found=f"{len(part.waves)} recordings, {len(part.labels)} labels, {len(part.lengths)} lengths",
                expected="as many of each",
                next_step="get the file again",
            )
    return recordings


def _numbers(values: Array) -> str:
    return " ".join(f"{value:.4g}" for value in values)
