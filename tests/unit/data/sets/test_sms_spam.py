"""SMS Spam Collection: UCI's archive, and the file of the data folder."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from edgetool.data.load import load_dataset
from edgetool.data.sets import sms_spam
from edgetool.data.text import VOCAB_SIZE
from edgetool.errors import DataError


def _archive(path: Path, lines: list[str], member: str = "SMSSpamCollection") -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(member, "\n".join(lines).encode())
        archive.writestr("readme", "about it")
    return path


def _lines(num: int) -> list[str]:
    return [f"{'spam' if n % 5 == 0 else 'ham'}\tmessage number {n} \u00a3" for n in range(num)]


def test_messages_are_read_once_each(tmp_path: Path) -> None:
    lines = ["ham\tOk lar...\tjoking", "spam\tWIN \u00a3100", "ham\tOk lar...\tjoking", ""]
    texts, labels = sms_spam.read_collection(_archive(tmp_path / "sms.zip", lines))
    assert texts == ["Ok lar...\tjoking", "WIN \u00a3100"] and labels.tolist() == [0, 1]


def test_the_download_is_split_by_class(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = _archive(tmp_path / "sms.zip", _lines(100))
    monkeypatch.delenv("EDGETOOL_DATA", raising=False)
    monkeypatch.setattr(sms_spam, "download", lambda url, **_: archive)
    found = load_dataset("sms-spam")
    assert found.train is not None and found.val is not None and found.test is not None
    assert [s.num_samples for s in (found.train, found.val, found.test)] == [72, 8, 20]
    assert found.test.labels is not None and np.bincount(found.test.labels).tolist() == [16, 4]
    assert [array.shape for array in found.train.inputs] == [(72, 64), (72, 64)]
    assert found.class_names == ("ham", "spam") and "tokenizer.json" in found.files


@pytest.mark.parametrize(
    ("lines", "match"),
    [(["ham\tok", "eggs\tno"], "line 2: 'eggs"), (["ham ok"], "line 1"), ([""], "no message")],
)
def test_other_lines_are_refused(tmp_path: Path, lines: list[str], match: str) -> None:
    with pytest.raises(DataError, match=match):
        sms_spam.read_collection(_archive(tmp_path / "sms.zip", lines))


def test_damaged_archives_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="damaged archive"):
        sms_spam.read_collection(_archive(tmp_path / "sms.zip", _lines(3), member="other"))
    (tmp_path / "no.zip").write_bytes(b"PK no")
    with pytest.raises(DataError, match="damaged archive"):
        sms_spam.read_collection(tmp_path / "no.zip")


def test_the_real_file(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGETOOL_DATA", str(shared_data))
    found = load_dataset("sms-spam")
    assert found.train is not None and found.val is not None and found.test is not None
    assert [s.num_samples for s in (found.train, found.val, found.test)] == [3483, 387, 1032]
    assert int(max(s.inputs[0].max() for s in (found.train, found.val, found.test))) < VOCAB_SIZE
