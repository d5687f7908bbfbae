"""Texts as integers: the same vocabulary every time, from training texts only; what is cut or unknown is counted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgetool.data.dataset import Dataset
from edgetool.data.text import (
    encode,
    encode_characters,
    load_tokenizer,
    npz_texts,
    text_dataset,
    train_characters,
    train_tokenizer,
)
from edgetool.errors import DataError

TEXTS = ["the film is good .", "the film isn't bad !", "a good film , a bad ending", "the ending is the best"]


def _many(num: int = 40) -> tuple[list[str], np.ndarray]:
    """Return different sentences with the label that a word of theirs says."""
    texts = [f"the film number {index} is {'good' if index % 2 else 'bad'}" for index in range(num)]
    return texts, np.arange(num) % 2


def _dataset(train: list[str], labels: np.ndarray, test: list[str] | None = None) -> Dataset:
    test = ["a good film", "a bad film"] if test is None else test
    return text_dataset(
        "films",
        (train, labels),
        (test, np.arange(len(test)) % 2),
        class_names=("bad", "good"),
        source="made up",
        digest="d",
        vocab_size=200,
        length=8,
    )


def test_words_are_cut_padded_and_masked() -> None:
    tokenizer = train_tokenizer(TEXTS, vocab_size=300, length=6)
    found = encode(tokenizer, ["the film", "the film is good . the film is bad"])
    assert found.ids.shape == found.mask.shape == (2, 6) and found.ids.dtype == found.mask.dtype == np.int32
    assert found.mask.tolist() == [[1, 1, 0, 0, 0, 0], [1] * 6] and found.num_cut == 1
    assert not found.ids[0, 2:].any() and found.ids[0, :2].tolist() == found.ids[1, :2].tolist()
    assert found.num_unknown == 0


def test_upper_case_and_punctuation_make_no_other_words() -> None:
    tokenizer = train_tokenizer(TEXTS, vocab_size=300, length=8)
    found = encode(tokenizer, ["The FILM.", "the film ."])
    assert found.ids[0].tolist() == found.ids[1].tolist()


def test_unknown_signs_are_counted() -> None:
    tokenizer = train_tokenizer(TEXTS, vocab_size=300, length=8)
    found = encode(tokenizer, ["the film 映画 is good", "the film"])
    assert found.num_unknown == 2 and (found.ids == tokenizer.token_to_id("[UNK]")).sum() == 2


def test_a_text_without_a_word_is_refused_by_number() -> None:
    tokenizer = train_tokenizer(TEXTS, vocab_size=300, length=8)
    with pytest.raises(DataError, match="review 1: 1 texts without a word"):
        encode(tokenizer, ["good", "  "], subject="review")


def test_every_process_learns_the_same_vocabulary() -> None:
    """The library seeds its hash tables anew in each process."""
    code = (
        "from edgetool.data.text import train_tokenizer; import hashlib;"
        "texts = [' '.join(f'{a}{b}ing' for b in 'bcdfghjklm') for a in 'aeiouy'] * 2;"
        "print(hashlib.sha256(train_tokenizer(texts, vocab_size=120, length=8).to_str().encode()).hexdigest())"
    )
    found = {
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        for _ in range(3)
    }
    assert len(found) == 1


def test_a_tokenizer_survives_its_file(tmp_path: Path) -> None:
    tokenizer = train_tokenizer(TEXTS, vocab_size=300, length=6)
    path = tmp_path / "tokenizer.json"
    path.write_text(tokenizer.to_str(), encoding="utf-8")
    again = encode(load_tokenizer(path), TEXTS)
    assert (again.ids == encode(tokenizer, TEXTS).ids).all() and again.ids.shape == (4, 6)
    path.write_text("{}")
    with pytest.raises(DataError, match="no readable tokenizer"):
        load_tokenizer(path)
    with pytest.raises(DataError, match="no readable tokenizer"):
        load_tokenizer(tmp_path / "none.json")


def test_characters_are_numbered_in_order_and_come_back() -> None:
    tokenizer = train_characters("banana\n b")
    ids, unknown = encode_characters(tokenizer, "ab\nx")
    assert ids.tolist() == [3, 4, 1, 0] and ids.dtype == np.int32 and unknown == 1
    assert tokenizer.decode([4, 3, 1, 3, 2]) == "ba\na "
    # What an application does with the file gives the same numbers.
    assert tokenizer.encode("ab\nx").ids == ids.tolist()


def test_the_vocabulary_comes_from_training_texts_alone() -> None:
    texts, labels = _many()
    found = _dataset(texts, labels, ["zyzzyva zyzzyva zyzzyva", "a film"])
    vocabulary = json.loads(found.files["tokenizer.json"])["model"]["vocab"]
    assert "▁film" in vocabulary and not any("z" in token for token in vocabulary)
    assert found.test is not None and "test 6" in found.facts["convert"]


def test_validation_is_a_stratified_tenth() -> None:
    texts, labels = _many(100)
    found = _dataset(texts, labels)
    assert found.train is not None and found.val is not None and found.train.labels is not None
    assert (found.train.num_samples, found.val.num_samples) == (90, 10)
    assert found.val.labels is not None and np.bincount(found.val.labels).tolist() == [5, 5]
    assert [array.dtype for array in found.train.inputs] == [np.int32, np.int32]


def test_empty_texts_and_test_texts_leave_training() -> None:
    texts, labels = _many()
    found = _dataset([*texts, "", "a good film"], np.append(labels, [0, 1]))
    assert found.train is not None and found.val is not None
    assert found.train.num_samples + found.val.num_samples == 40
    assert "2 training texts left out" in found.facts["clean"]
    assert "cut to that length: train 0, val 0, test 0" in found.facts["convert"]


def test_long_texts_are_counted_by_split() -> None:
    texts, labels = _many()
    found = _dataset(texts, labels, ["the film is good and the film is bad", "a film"])
    assert "test 1;" in found.facts["convert"]


@pytest.mark.parametrize(
    ("texts", "labels", "match"),
    [
        (["a film"] * 3, np.array([0, 1]), r"3 texts, labels int64 \[2\]"),
        (["a film", "b film"], np.array([0, 2]), "labels from 0 to 2"),
        (["a film", "b film"], np.array([0.0, 1.0]), "labels float64"),
        (["", " "], np.array([0, 1]), "no text that is not empty"),
        ([], np.array([], np.int64), "0 texts"),
    ],
)
def test_bad_texts_are_refused(texts: list[str], labels: np.ndarray, match: str) -> None:
    with pytest.raises(DataError, match=match):
        _dataset(texts, labels)


def test_an_archive_of_texts(tmp_path: Path) -> None:
    path = tmp_path / "texts.npz"
    arrays = {
        "x_train": np.array(["one", "two"]),
        "y_train": np.array([0, 1], np.uint8),
        "x_test": np.array(["three"]),
        "y_test": np.array([1], np.uint8),
        "class_names": np.array(["a", "b"]),
    }
    np.savez(path, **arrays)
    train, test, names, digest = npz_texts(path)
    assert train[0] == ["one", "two"] and test[1].tolist() == [1] and names == ("a", "b") and len(digest) == 64
    np.savez(path, **{**arrays, "x_train": np.zeros((2, 3))})
    with pytest.raises(DataError, match=r"x_train, y_train: float64"):
        npz_texts(path)
    np.savez(path, **{key: value for key, value in arrays.items() if key != "x_test" and key != "y_test"})
    with pytest.raises(DataError, match=r"x_test, y_test: nothing"):
        npz_texts(path)
    np.savez(path, **{key: value for key, value in arrays.items() if key != "class_names"})
    with pytest.raises(DataError, match="no class_names"):
        npz_texts(path)
