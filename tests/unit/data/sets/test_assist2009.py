"""Knowledge tracing: windows of answers, long and short students, the public file, ids out of range."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgetool.data.load import load_dataset
from edgetool.data.sets import assist2009
from edgetool.data.sets.assist2009 import NUM_SKILLS, WINDOW, Students, make_dataset, read_csv
from edgetool.errors import DataError


def _students(lengths: list[int]) -> Students:
    """Skills that count up from 1 in each student, every third answer wrong."""
    skills = np.concatenate([np.arange(length) % NUM_SKILLS + 1 for length in lengths])
    answers = np.concatenate([(np.arange(length) % 3 != 0).astype(np.uint8) for length in lengths])
    return Students(skills.astype(np.int16), answers, np.concatenate([[0], np.cumsum(lengths)]))


def _make(train: Students, test: Students) -> assist2009.Dataset:
    return make_dataset(train, test, source="s", digest="d", subject="file")


def test_each_position_asks_for_the_answer_after_it() -> None:
    test = _make(_students([5] * 10), _students([5])).test
    assert test is not None and test.labels is not None
    asked, following = test.inputs
    assert asked.dtype == following.dtype == np.int32 and test.labels.dtype == np.int8
    assert asked[0, :5].tolist() == [1, 2 + NUM_SKILLS, 3 + NUM_SKILLS, 4, 0]
    assert following[0, :5].tolist() == [2, 3, 4, 5, 0]
    assert test.labels[0, :5].tolist() == [1, 1, 0, 1, -1]
    assert not asked[0, 4:].any() and not following[0, 4:].any() and (test.labels[0, 4:] == -1).all()


def test_long_students_are_cut_and_counted_and_every_answer_but_the_first_is_asked_for() -> None:
    lengths = [WINDOW + 1, WINDOW + 2, 1, 350]
    data = _make(_students([5] * 10), _students(lengths))
    assert data.test is not None and data.test.labels is not None
    assert data.test.num_samples == 1 + 2 + 0 + 4
    assert int((data.test.labels >= 0).sum()) == sum(length - 1 for length in lengths)
    assert "test 4 students, 2 of them with more than one window" in data.facts["convert"]
    assert data.facts["clean"].startswith("1 students with a single answer left out")
    second = data.test.inputs[0][2]  # of the second student: what it answered last but one
    assert second[0] == WINDOW + 1 + NUM_SKILLS * (WINDOW % 3 != 0) and not second[1:].any()


def test_validation_is_of_other_students() -> None:
    lengths = [2 + number for number in range(40)]
    data = _make(_students(lengths), _students([5]))
    assert data.train is not None and data.val is not None
    sizes = [sorted((split.labels >= 0).sum(axis=1)) for split in (data.train, data.val) if split.labels is not None]
    assert len(sizes[1]) == 4 and sorted([*sizes[0], *sizes[1]]) == [length - 1 for length in lengths]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"skills": np.array([1, 111, 3, 4, 5])}, "skills: values 1 to 111, expected 1 to 110"),
        ({"skills": np.array([0, 1, 2, 3, 4])}, "skills: values 0 to 4"),
        ({"answers": np.array([0, 1, 2, 0, 1])}, "answers: values 0 to 2"),
        ({"answers": np.array([0.5, 1, 0, 0, 1])}, "answers: shape .5., float64"),
        ({"offsets": np.array([0, 4])}, "offsets: 2 offsets up to 4, expected rising from 0 to 5"),
        ({"offsets": np.array([0, 6, 5])}, "offsets"),
    ],
)
def test_what_is_out_of_range_is_named(change: dict[str, np.ndarray], message: str) -> None:
    fields = {"skills": np.arange(1, 6), "answers": np.array([0, 1, 1, 0, 1]), "offsets": np.array([0, 5])}
    with pytest.raises(DataError, match=f"test: {message}"):
        _make(_students([5] * 10), Students(**{**fields, **change}))


def test_the_public_file(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("3\n5,5,7,\n1,0,1,\n2\n9,110\n0,0\n")  # the source ends some lines with a comma
    students = read_csv(path)
    assert students.skills.tolist() == [5, 5, 7, 9, 110] and students.answers.tolist() == [1, 0, 1, 0, 0]
    assert students.offsets.tolist() == [0, 3, 5] and students.num_students == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("3\n5,5,7\n1,0\n", "student 0: 3 answers, 3 skills, 2 values"),
        ("2\n5,5\n1,0\n2\n5,5\n", "5 lines"),
        ("2\nx,y\n1,0\n", "ValueError"),
        ("", "0 lines"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        read_csv(path)


def test_the_public_download_loads_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EDGETOOL_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "train.csv").write_text("3\n5,5,7\n1,0,1\n" * 20)
    (tmp_path / "test.csv").write_text("3\n5,5,7\n1,0,1\n" * 2)
    monkeypatch.setattr(assist2009, "URL", f"{tmp_path.as_uri()}/{{split}}.csv")
    data = load_dataset("assist2009")
    assert data.train is not None and data.val is not None and data.test is not None
    assert [split.num_samples for split in (data.train, data.val, data.test)] == [18, 2, 2]


def test_the_real_file(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGETOOL_DATA", str(shared_data))
    data = load_dataset("assist2009")
    assert data.train is not None and data.val is not None and data.test is not None
    assert [split.num_samples for split in (data.train, data.val, data.test)] == [3837, 403, 1474]
    assert data.test.labels is not None and int((data.test.labels >= 0).sum()) == 80632 - 984
    assert "115 students with a single answer left out" in data.facts["clean"]
