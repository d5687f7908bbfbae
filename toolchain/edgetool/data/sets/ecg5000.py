"""ECG5000 (UCR archive): one heartbeat of 140 points, five classes, from one patient's record."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from edgetool.artifact import digest_path
from edgetool.data.archive import read_member
from edgetool.data.columns import check_range
from edgetool.data.dataset import Array, Dataset, Split
from edgetool.data.download import download, shared_file
from edgetool.data.npz import read_arrays
from edgetool.data.stages import count_duplicates
from edgetool.errors import DataError

__all__ = ["load", "read_public"]

#: https://www.timeseriesclassification.com/description.php?Dataset=ECG5000; the site states no digest.
URL = "https://www.timeseriesclassification.com/aeon-toolkit/ECG5000.zip"
SOURCE = (
    "ECG5000, UCR archive (Chen et al. 2015), from PhysioNet BIDMC record chf07 (Goldberger et al. 2000); no licence "
    "stated, citation asked for"
)

LENGTH = 140
CLASS_NAMES = ("normal", "R-on-T PVC", "PVC", "SP or ectopic", "unclassified")

#: A beat whose mean or standard deviation is further than this from 0 or 1 is normalised again.
TOLERANCE = 0.05


def load() -> Dataset:
    """Load the beats as float32 `[N, 140, 1]`, each of mean 0 and standard deviation 1; classes 0..4.

    From `$EDGETOOL_DATA/ecg5000_small.npz` (the 500 beats of the official training file, split there), or from the
    public archive with its own split (500 and 4,500).

    Raises:
        DataError: an array or file is missing, or a beat cannot be one.
        NetworkError: the archive is not there and cannot be downloaded.
    """
    path = shared_file("ecg5000_small.npz")
    if path is not None:
        arrays = read_arrays(path, ("x_train", "y_train", "x_test", "y_test"))
        raw = [Split(name, (arrays[f"x_{name}"],), arrays[f"y_{name}"]) for name in ("train", "test")]
    else:
        path = download(URL, name="ecg5000.zip")
        raw = [read_public(path, name) for name in ("train", "test")]
    made = [_prepare(f"{path}: {split.name}", split) for split in raw]
    (train, again), (test, tested_again) = made
    return Dataset(
        name="ecg5000",
        train=train,
        val=None,
        test=test,
        class_names=CLASS_NAMES,
        source=SOURCE,
        digest=digest_path(path),
        facts={
            "clean": f"{count_duplicates([train, test])} beats stand more than once and were kept; no NaN, no flat "
            f"beat; {again + tested_again} not of mean 0 and standard deviation 1, normalised again",
            "convert": f"float32 [{LENGTH}, 1], classes numbered from 0",
            "normalise": "mean 0 and standard deviation 1 of each beat by itself, as the source does it",
            "patients": "one: training and test beats are of the same heart",
        },
    )


def read_public(path: Path, name: str) -> Split:
    """Read the split `name`, `train` or `test`, of the public archive: a class 1..5 and 140 points a line.

    Raises:
        DataError: damaged, or another layout.
    """
    member = f"ECG5000_{name.upper()}.txt"
    try:
        table = np.loadtxt(io.BytesIO(read_member(path, member)), dtype=np.float64, ndmin=2)
    except ValueError as exc:
        raise DataError(
            f"{path}: {member}", found=f"no table of numbers ({exc})", expected="ECG5000", next_step="delete the file"
        ) from None
    if table.shape[1] != LENGTH + 1:
        raise DataError(
            f"{path}: {member}",
            found=f"{table.shape[1]} numbers a line",
            expected=f"a class and {LENGTH} points",
            next_step="delete the file and run again",
        )
    return Split(name, (table[:, 1:].astype(np.float32),), table[:, 0] - 1)


def _prepare(subject: str, split: Split) -> tuple[Split, int]:
    """Check a split and return it as `[N, 140, 1]`, and how many beats had to be normalised again."""
    beats, labels = split.inputs[0], split.labels
    if beats.ndim != 2 or beats.shape[1] != LENGTH or labels is None or labels.shape != beats.shape[:1]:
        raise DataError(
            subject,
            found=f"beats of shape {list(beats.shape)}",
            expected=f"[N, {LENGTH}], and a class each",
            next_step="get the file again",
        )
    check_range(f"{subject}: classes", labels, 0, len(CLASS_NAMES) - 1, unit="classes", whole=True)
    bad = ~np.isfinite(beats).all(axis=1) | (np.ptp(beats, axis=1) == 0)
    if bad.any():
        raise DataError(
            subject,
            found=f"{int(bad.sum())} beats with a gap or no movement, the first in row {int(bad.argmax()) + 1}",
            expected=f"{LENGTH} points of a heartbeat in every row",
            next_step="drop these rows",
        )
    beats, again = _normalise(beats)
    return Split(split.name, (beats[..., None],), labels.astype(np.int64)), again


def _normalise(beats: Array) -> tuple[Array, int]:
    mean, std = beats.mean(axis=1, keepdims=True), beats.std(axis=1, keepdims=True)
    odd = (np.abs(mean) > TOLERANCE) | (np.abs(std - 1.0) > TOLERANCE)
    return np.where(odd, (beats - mean) / std, beats).astype(np.float32), int(odd.sum())
