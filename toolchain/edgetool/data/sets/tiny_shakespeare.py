"""Tiny Shakespeare: characters of the plays, each to be told from those before it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgetool.artifact import digest_path
from edgetool.data.dataset import Array, Dataset, Split
from edgetool.data.download import download, shared_file
from edgetool.data.text import TOKENIZER, encode_characters, train_characters
from edgetool.errors import DataError

__all__ = ["CONTEXT", "load", "make_dataset"]

#: The commit of https://github.com/karpathy/char-rnn that the digest is of (1,115,394 bytes).
URL = (
    "https://raw.githubusercontent.com/karpathy/char-rnn/6f9487a6fe5b420b7ca9afb0d7c078e37c1d1b4e/"
    "data/tinyshakespeare/input.txt"
)
SHA256 = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"
SOURCE = "Tiny Shakespeare (karpathy/char-rnn, MIT; the plays are in the public domain)"

#: Characters of a sample.
CONTEXT = 128

#: As in `$EDGETOOL_DATA`: the first 90 % train, the next 8 % test.
TRAIN_SHARE, TEST_SHARE = 0.9, 0.08
#: The end of the training text is kept apart as validation, so that no window of it overlaps one of training.
VAL_SHARE = 0.05


def load() -> Dataset:
    """Load windows of 128 characters, int32 `[N, 128]`, whose labels are the same text one character on.

    Windows follow each other without overlap; what is left at the end of a part is cut. The first characters of a
    window have little before them and count all the same.

    Raises:
        DataError: the file is damaged.
        NetworkError: it is not there and cannot be downloaded.
    """
    path = shared_file("tiny_shakespeare.npz")
    if path is not None:
        train, test = _read_npz(path)
        return make_dataset(train, test, digest=digest_path(path))
    raw = download(URL, sha256=SHA256, name="tiny_shakespeare.txt").read_bytes()
    first, second = round(len(raw) * TRAIN_SHARE), round(len(raw) * (TRAIN_SHARE + TEST_SHARE))
    return make_dataset(_decode("train", raw[:first]), _decode("test", raw[first:second]), digest=SHA256)


def make_dataset(train: str, test: str, *, digest: str) -> Dataset:
    """Cut texts into windows and number their characters by the training text's vocabulary.

    A character that the training text lacks is 0 as an input, and does not count as a label.

    Args:
        train: training text; its last 5 % become the validation split.
        test: test text.
        digest: The SHA-256 of the file.

    Raises:
        DataError: a text is shorter than a window and the character behind it.
    """
    cut = len(train) - round(len(train) * VAL_SHARE)
    parts = {"train": train[:cut], "val": train[cut:], "test": test}
    tokenizer = train_characters(parts["train"])
    splits: dict[str, Split] = {}
    num_unknown = 0
    for name, text in parts.items():
        ids, unknown = encode_characters(tokenizer, text)
        num_unknown += unknown
        splits[name] = _windows(name, ids)
    left = ", ".join(f"{name} {(len(text) - 1) % CONTEXT}" for name, text in parts.items())
    return Dataset(
        name="tiny-shakespeare",
        train=splits["train"],
        val=splits["val"],
        test=splits["test"],
        source=SOURCE,
        digest=digest,
        facts={
            "clean": f"characters left over at the end and cut: {left}; unknown characters: {num_unknown}",
            "convert": f"{tokenizer.get_vocab_size()} characters, learned from train, 0 for others; windows of "
            f"{CONTEXT} without overlap; labels are the next characters",
            "normalise": "ids are not scaled",
            "validation split": f"the last {VAL_SHARE:.0%} of the training text",
        },
        files={TOKENIZER: tokenizer.to_str(pretty=False)},
    )


def _windows(name: str, ids: Array) -> Split:
    num = (len(ids) - 1) // CONTEXT
    if num < 1:
        raise DataError(
            f"tiny-shakespeare: {name}",
            found=f"{len(ids)} characters",
            expected=f"more than {CONTEXT}",
            next_step="give a longer text",
        )
    inputs, labels = (ids[start : start + num * CONTEXT].reshape(num, CONTEXT) for start in (0, 1))
    return Split(name, (inputs,), np.where(labels == 0, -1, labels).astype(np.int32))


def _read_npz(path: Path) -> tuple[str, str]:
    from edgetool.data.npz import load_npz

    loaded = load_npz(path)
    texts = []
    for name, split in (("train", loaded.train), ("test", loaded.test)):
        values = None if split is None else split.inputs[0]
        if values is None or values.dtype != np.uint8 or values.ndim != 1:
            raise DataError(
                f"{path}: x_{name}",
                found="nothing" if values is None else f"{values.dtype} {list(values.shape)}",
                expected="the bytes of the text, uint8 [N]",
                next_step="get the file again",
            )
        texts.append(_decode(name, values.tobytes()))
    return texts[0], texts[1]


def _decode(name: str, content: bytes) -> str:
    try:
        return content.decode("ascii")
    except UnicodeDecodeError as exc:
        raise DataError(
            f"tiny-shakespeare: {name}",
            found=f"byte {content[exc.start]:#x} at {exc.start}",
            expected="ASCII",
            next_step="get the file again",
        ) from None
