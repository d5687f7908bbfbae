"""Sentence polarity: the authors' archive, and the file of the data folder."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import numpy as np
import pytest

from edgetool.data.load import load_dataset
from edgetool.data.sets import movie_sentences
from edgetool.errors import DataError


def _archive(path: Path, contents: dict[str, str]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, text in contents.items():
            content = text.encode("latin-1")
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def _sentences(word: str, num: int) -> str:
    return "".join(f"the {word} film number {n} , clich\xe9 .\n" for n in range(num))


def test_sentences_are_latin_1_and_read_once(tmp_path: Path) -> None:
    contents = {
        "rt-polaritydata.README": "about",
        "rt-polaritydata/rt-polarity.pos": "good \xe9 .\nfine\n",
        "rt-polaritydata/rt-polarity.neg": "bad \n\nfine\nbad\n",
    }
    texts, labels = movie_sentences.read_archive(_archive(tmp_path / "rt.tar.gz", contents))
    assert texts == ["bad", "fine", "good \xe9 ."] and labels.tolist() == [0, 0, 1]


def test_the_download_is_split_by_class(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = _archive(
        tmp_path / "rt.tar.gz",
        {"r/rt-polarity.pos": _sentences("good", 50), "r/rt-polarity.neg": _sentences("bad", 50)},
    )
    monkeypatch.delenv("EDGETOOL_DATA", raising=False)
    monkeypatch.setattr(movie_sentences, "download", lambda url: archive)
    found = load_dataset("movie-sentences")
    assert found.train is not None and found.val is not None and found.test is not None
    assert [s.num_samples for s in (found.train, found.val, found.test)] == [72, 8, 20]
    assert found.test.labels is not None and np.bincount(found.test.labels).tolist() == [10, 10]
    assert len(found.digest) == 64 and found.class_names == ("negative", "positive")


def test_damaged_archives_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no rt-polarity\.pos"):
        movie_sentences.read_archive(_archive(tmp_path / "rt.tar.gz", {"r/rt-polarity.neg": "bad\n"}))
    (tmp_path / "no.tar.gz").write_bytes(b"no archive")
    with pytest.raises(DataError, match="damaged archive"):
        movie_sentences.read_archive(tmp_path / "no.tar.gz")


def test_the_real_file(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGETOOL_DATA", str(shared_data))
    found = load_dataset("movie-sentences")
    assert found.train is not None and found.val is not None and found.test is not None
    assert [s.num_samples for s in (found.train, found.val, found.test)] == [7678, 852, 1706]
