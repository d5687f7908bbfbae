"""Tiny Shakespeare: windows of characters, labels one character on, a vocabulary from training text."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from edgetool.data.load import load_dataset
from edgetool.data.sets import tiny_shakespeare
from edgetool.data.sets.tiny_shakespeare import CONTEXT, make_dataset
from edgetool.errors import DataError


def _text(length: int, seed: int = 0) -> str:
    return "".join(random.Random(seed).choices("abc de\n", k=length))


def test_labels_are_the_next_characters() -> None:
    text = _text(CONTEXT * 60)
    found = make_dataset(text, _text(2 * CONTEXT + 1, 1), digest="d")
    assert found.train is not None and found.val is not None and found.test is not None
    assert (found.train.num_samples, found.val.num_samples, found.test.num_samples) == (56, 2, 2)
    assert found.train.labels is not None
    flat = found.train.inputs[0].ravel()
    assert (found.train.labels.ravel()[:-1] == flat[1:]).all()
    characters = sorted(set(text))
    assert "".join(characters[index - 1] for index in flat[:50]) == text[:50]
    assert flat.min() == 1 and found.train.inputs[0].dtype == np.int32


def test_characters_that_training_lacks_are_zero_and_do_not_count() -> None:
    test = "a" * 10 + "\xa7" + "b" * CONTEXT
    found = make_dataset(_text(CONTEXT * 60), test, digest="d")
    assert found.test is not None and found.test.labels is not None
    assert found.test.inputs[0][0, 10] == 0 and found.test.labels[0, 9] == -1
    assert "unknown characters: 1" in found.facts["clean"]


def test_validation_shares_no_window_with_training() -> None:
    found = make_dataset(_text(CONTEXT * 60), _text(CONTEXT * 2), digest="d")
    assert found.train is not None and found.val is not None
    seen = {row.tobytes() for row in found.train.inputs[0]}
    assert not any(row.tobytes() in seen for row in found.val.inputs[0])


def test_short_texts_are_refused() -> None:
    with pytest.raises(DataError, match="test: 128 characters"):
        make_dataset(_text(CONTEXT * 60), _text(CONTEXT), digest="d")


def test_the_download_and_the_file_agree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = _text(CONTEXT * 100).encode()
    (tmp_path / "input.txt").write_bytes(text)
    monkeypatch.delenv("EDGETOOL_DATA", raising=False)
    monkeypatch.setattr(tiny_shakespeare, "download", lambda url, **_: tmp_path / "input.txt")
    downloaded = load_dataset("tiny-shakespeare")
    raw = np.frombuffer(text, np.uint8)
    np.savez(tmp_path / "tiny_shakespeare.npz", x_train=raw[:11520], x_test=raw[11520:12544])
    monkeypatch.setenv("EDGETOOL_DATA", str(tmp_path))
    shared = load_dataset("tiny-shakespeare")
    for first, second in ((downloaded.train, shared.train), (downloaded.test, shared.test)):
        assert first is not None and second is not None and (first.inputs[0] == second.inputs[0]).all()


@pytest.mark.parametrize(
    ("arrays", "match"),
    [
        ({"x_train": np.zeros((2, 3), np.uint8), "x_test": np.zeros(3, np.uint8)}, r"x_train: uint8 \[2, 3\]"),
        ({"x_train": np.full(300, 65, np.uint8)}, "x_test: nothing"),
        ({"x_train": np.full(300, 200, np.uint8), "x_test": np.zeros(3, np.uint8)}, "byte 0xc8 at 0"),
    ],
)
def test_bad_files_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arrays: dict[str, np.ndarray], match: str
) -> None:
    np.savez(tmp_path / "tiny_shakespeare.npz", **arrays)
    monkeypatch.setenv("EDGETOOL_DATA", str(tmp_path))
    with pytest.raises(DataError, match=match):
        load_dataset("tiny-shakespeare")


def test_the_real_file(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGETOOL_DATA", str(shared_data))
    found = load_dataset("tiny-shakespeare")
    assert found.train is not None and found.val is not None and found.test is not None
    assert [s.num_samples for s in (found.train, found.val, found.test)] == [7450, 392, 697]
    assert "66 characters" in found.facts["convert"]
