"""ASSISTments 2009-2010 (skill builder, updated): will a student answer the next question, of a known skill, rightly?

Source: `jennyzhang0215/DKVMN`, data/assist2009_updated (Feng, Heffernan and Koedinger 2009; Zhang et al. 2017), from
`$EDGETOOL_DATA/assist2009.npz` or the public download. The split by students is the source's.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgetool.artifact import digest_path
from edgetool.data.dataset import SPLIT_SEED, Array, Dataset, Split
from edgetool.data.download import download, shared_file
from edgetool.data.sets.arrays import read_arrays
from edgetool.errors import DataError

__all__ = ["NUM_SKILLS", "WINDOW", "Students", "load", "make_dataset", "read_csv"]

URL = (
    "https://raw.githubusercontent.com/jennyzhang0215/DKVMN/b2dac2ad06c03d3715938e890e69856a3cbc7e1f/"
    "data/assist2009_updated/assist2009_updated_{split}.csv"
)
SOURCE = "ASSISTments 2009-2010 skill builder, updated (Feng, Heffernan and Koedinger 2009; jennyzhang0215/DKVMN)"

#: Skill ids are 1 to 110; 0 stands for no question.
NUM_SKILLS = 110
#: Answers in a sample. A longer history is cut into windows, each of which begins without history.
WINDOW = 100
#: Share of the training students that validate.
VAL_FRACTION = 0.1


@dataclass(frozen=True, slots=True)
class Students:
    """Answers of one student after another.

    Attributes:
        skills: `[A]` skill id of each question, 1 to `NUM_SKILLS`.
        answers: `[A]` 1 right, 0 wrong.
        offsets: `[S + 1]`; student i has the answers `offsets[i]` to `offsets[i + 1]`.
    """

    skills: Array
    answers: Array
    offsets: Array

    @property
    def num_students(self) -> int:
        """How many students there are."""
        return len(self.offsets) - 1


def load() -> Dataset:
    """Load windows of answers.

    Inputs are int32 `[N, 100]` twice: what was asked and how it was answered (skill id, plus 110 where right; 0:
    padding), and the skill id of the question after it (0: padding). Labels are int8 `[N, 100]`: that question answered
    right (1) or wrong (0), -1 for padding.

    Raises:
        NetworkError: a file is not there and cannot be downloaded.
        DataError: damaged, or skills or answers out of range.
    """
    path = shared_file("assist2009.npz")
    if path is None:
        paths = [download(URL.format(split=split)) for split in ("train", "test")]
        train, test = (read_csv(file) for file in paths)
        digest = "".join(digest_path(file) for file in paths)
        return make_dataset(train, test, source=f"{SOURCE}, {URL}", digest=digest, subject=str(paths[0].parent))
    splits = ("train", "test")
    arrays = read_arrays(path, [f"{kind}_{split}" for split in splits for kind in ("x", "y", "offsets")])
    train, test = (Students(arrays[f"x_{split}"], arrays[f"y_{split}"], arrays[f"offsets_{split}"]) for split in splits)
    return make_dataset(train, test, source=SOURCE, digest=digest_path(path), subject=str(path))


def read_csv(path: Path) -> Students:
    """Read the public file: three lines a student, the number of answers, the skills, and 1 or 0 for each.

    Raises:
        DataError: a student's lines do not fit together.
    """
    try:
        lines = [line.strip().strip(",") for line in path.read_text(encoding="ascii").splitlines() if line.strip()]
        counts = [int(line) for line in lines[0::3]]
        skills, answers = ([[int(item) for item in line.split(",")] for line in lines[n::3]] for n in (1, 2))
    except (OSError, ValueError) as exc:
        raise _no_students(path, f"{type(exc).__name__}: {exc}") from None
    for number, sizes in enumerate(zip(counts, map(len, skills), map(len, answers), strict=False)):
        if len(set(sizes)) != 1:
            raise _no_students(path, f"student {number}: {sizes[0]} answers, {sizes[1]} skills, {sizes[2]} values")
    if not len(counts) == len(skills) == len(answers) or not counts:
        raise _no_students(path, f"{len(lines)} lines")
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return Students(np.concatenate(skills).astype(np.int64), np.concatenate(answers).astype(np.int64), offsets)


def make_dataset(train: Students, test: Students, *, source: str, digest: str, subject: str) -> Dataset:
    """Cut every student's answers into windows; a tenth of the training students, chosen by seed, validate.

    Args:
        train: the students of training and validation.
        test: other students.
        source: The source that reports name.
        digest: The SHA-256 of the files.
        subject: the file, for messages.

    Raises:
        DataError: skills, answers or offsets out of range.
    """
    for name, students in (("train", train), ("test", test)):
        _require_sound(f"{subject}: {name}", students)
    order = np.random.default_rng(SPLIT_SEED).permutation(train.num_students)
    num_val = max(1, round(train.num_students * VAL_FRACTION))
    chosen = {
        "train": (train, np.sort(order[num_val:])),
        "val": (train, np.sort(order[:num_val])),
        "test": (test, np.arange(test.num_students)),
    }
    splits, told, single = {}, [], 0
    for name, (students, numbers) in chosen.items():
        split, num_single, num_cut = _windows(name, students, numbers)
        splits[name] = split
        single += num_single
        told.append(f"{name} {len(numbers):,} students, {num_cut:,} of them with more than one window")
    return Dataset(
        name="assist2009",
        train=splits["train"],
        val=splits["val"],
        test=splits["test"],
        class_names=("wrong", "right"),
        source=source,
        digest=digest,
        facts={
            "clean": f"{single:,} students with a single answer left out: nothing comes after it; every skill id is 1 "
            f"to {NUM_SKILLS}, every answer 0 or 1",
            "convert": f"windows of {WINDOW} answers and the skill asked after each, int32, padded with 0; a longer "
            f"history is cut, each window begins without history: {'; '.join(told)}; labels -1 for padding",
            "normalise": "nothing: ids are looked up",
            "validation split": f"a tenth of the training students, seed {SPLIT_SEED}",
        },
    )


def _windows(name: str, students: Students, numbers: Array) -> tuple[Split, int, int]:
    """Return the windows of the students `numbers`, how many had a single answer, and how many had to be cut."""
    asked, following, labels = [], [], []
    num_single = num_cut = 0
    for number in numbers:
        part = slice(int(students.offsets[number]), int(students.offsets[number + 1]))
        skills, answers = students.skills[part].astype(np.int64), students.answers[part].astype(np.int64)
        num_single += len(skills) < 2
        num_cut += len(skills) > WINDOW + 1
        interactions = skills + NUM_SKILLS * answers
        for start in range(0, len(skills) - 1, WINDOW):
            end = min(start + WINDOW, len(skills) - 1)
            asked.append(_padded(interactions[start:end], 0))
            following.append(_padded(skills[start + 1 : end + 1], 0))
            labels.append(_padded(answers[start + 1 : end + 1], -1))
    arrays = [np.array(rows, np.int64).reshape(-1, WINDOW) for rows in (asked, following, labels)]
    inputs = (arrays[0].astype(np.int32), arrays[1].astype(np.int32))
    return Split(name, inputs, arrays[2].astype(np.int8)), num_single, num_cut


def _padded(values: Array, filler: int) -> Array:
    return np.pad(values, (0, WINDOW - len(values)), constant_values=filler)


def _require_sound(subject: str, students: Students) -> None:
    """Refuse ids and answers that are none, and offsets that do not fit.

    Raises:
        DataError: says which.
    """
    offsets = students.offsets
    if len(offsets) < 2 or offsets[0] != 0 or (np.diff(offsets) < 0).any() or offsets[-1] != len(students.skills):
        raise DataError(
            f"{subject}: offsets",
            found=f"{len(offsets)} offsets up to {int(offsets[-1]) if len(offsets) else 0}",
            expected=f"rising from 0 to {len(students.skills)}, one more than students",
            next_step="get the file again",
        )
    for what, values, low, high in (
        ("skills", students.skills, 1, NUM_SKILLS),
        ("answers", students.answers, 0, 1),
    ):
        if values.dtype.kind not in "iu" or values.ndim != 1 or len(values) != len(students.skills):
            raise DataError(
                f"{subject}: {what}",
                found=f"shape {list(values.shape)}, {values.dtype}",
                expected=f"{len(students.skills)} integers",
                next_step="get the file again",
            )
        if values.size and not low <= int(values.min()) <= int(values.max()) <= high:
            raise DataError(
                f"{subject}: {what}",
                found=f"values {int(values.min())} to {int(values.max())}",
                expected=f"{low} to {high}",
                next_step="get the file again, or recode it",
            )


def _no_students(path: Path, found: str) -> DataError:
    return DataError(
        str(path),
        found=found,
        expected="three lines a student: the number of answers, skill ids, 1 or 0 for each",
        next_step="delete it, so that it is downloaded again",
    )
