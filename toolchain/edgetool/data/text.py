"""Text as integers: tokenizers trained on the training split, and sentences as ids with a mask.

Tokenizers are kept in the JSON format of the `tokenizers` library, which holds the context's length as well, so that an
application on a device cuts and pads as training did.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgetool.data.dataset import DATA_FILES, SPLIT_SEED, Array, Dataset, Split
from edgetool.data.download import shared_file
from edgetool.data.split import choose_part
from edgetool.errors import DataError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

__all__ = [
    "LENGTH",
    "TOKENIZER",
    "VOCAB_SIZE",
    "Encoded",
    "encode",
    "encode_characters",
    "load_sentences",
    "load_tokenizer",
    "npz_texts",
    "text_dataset",
    "train_characters",
    "train_tokenizer",
]

#: The name of the file that a tokenizer is kept in, beside a model.
TOKENIZER = DATA_FILES[0]

PADDING, UNKNOWN = "[PAD]", "[UNK]"

#: Of the training samples, kept apart as validation before the tokenizer sees them.
VAL_FRACTION = 0.1
#: Of the samples of a download that has no split of its own.
TEST_FRACTION = 0.2

#: As many tokens as `bert-mini` has rows in its table, and positions.
VOCAB_SIZE = 8192
LENGTH = 64


@dataclass(frozen=True, slots=True)
class Encoded:
    """Texts as integers.

    Attributes:
        ids: int32 `[N, L]`, 0 behind the end of a text.
        mask: int32 `[N, L]`, 1 where a token is.
        num_cut: texts that were longer than L tokens.
        num_unknown: tokens that are not in the vocabulary, among those kept.
    """

    ids: Array
    mask: Array
    num_cut: int
    num_unknown: int


def train_tokenizer(texts: Sequence[str], *, vocab_size: int, length: int) -> Tokenizer:
    """Return a byte-pair tokenizer of lower-case text; the same texts always give the same one.

    Words begin with a mark of their own, and punctuation stands alone. `tokenizers` 0.23 numbers the pieces inside
    words in the order of a randomly seeded hash table where they carry a prefix or suffix (WordPiece's `##`, or
    `</w>`), so that WordPiece differs from run to run; with a mark at the front it does not.

    Args:
        texts: The texts of the training split.
        vocab_size: at most so many tokens; pairs that occur once make none.
        length: The length of the context, L, to which texts are cut and padded.
    """
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE(unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.Punctuation("isolated"),
            pre_tokenizers.Metaspace(prepend_scheme="always", split=False),
        ]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size, special_tokens=[PADDING, UNKNOWN], min_frequency=2, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.enable_truncation(length)
    tokenizer.enable_padding(length=length, pad_id=tokenizer.token_to_id(PADDING), pad_token=PADDING)
    return tokenizer


def train_characters(text: str) -> Tokenizer:
    """Return a tokenizer whose tokens are the characters of `text`, sorted; 0 is for all others."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers

    vocabulary = {UNKNOWN: 0} | {character: index for index, character in enumerate(sorted(set(text)), start=1)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    tokenizer.decoder = decoders.Fuse()
    return tokenizer


def load_tokenizer(path: Path) -> Tokenizer:
    """Read a tokenizer.

    Raises:
        DataError: the file is not there or is none.
    """
    from tokenizers import Tokenizer

    try:
        return Tokenizer.from_str(path.read_text(encoding="utf-8"))
    except Exception as exc:  # noqa: BLE001 - the library raises bare exceptions
        raise DataError(
            str(path),
            found=f"no readable tokenizer ({' '.join(str(exc).split())[:200]})",
            expected="tokenizer.json, which training writes beside the model",
            next_step="train the model again, or copy the file beside it",
        ) from None


def encode(tokenizer: Tokenizer, texts: Sequence[str], *, subject: str = "text") -> Encoded:
    """Encode sentences by a tokenizer of `train_tokenizer`; what is longer than its context is cut and counted.

    Args:
        tokenizer: A tokenizer with truncation and padding.
        texts: `N` sentences.
        subject: what messages call them.

    Raises:
        DataError: a text without a single token.
    """
    unknown = tokenizer.token_to_id(UNKNOWN)
    encodings = tokenizer.encode_batch(list(texts))
    ids = np.array([item.ids for item in encodings], np.int32)
    mask = np.array([item.attention_mask for item in encodings], np.int32)
    empty = np.flatnonzero(mask.sum(axis=1) == 0)
    if empty.size:
        raise DataError(
            f"{subject} {int(empty[0])}",
            found=f"{empty.size} texts without a word",
            expected="at least one word or sign in each",
            next_step="leave them out",
        )
    num_cut = sum(1 for item in encodings if item.overflowing)
    return Encoded(ids, mask, num_cut, int(((ids == unknown) & (mask == 1)).sum()))


def encode_characters(tokenizer: Tokenizer, text: str) -> tuple[Array, int]:
    """Return int32 ids `[len(text)]` by a tokenizer of `train_characters`, and how many characters it does not know."""
    known = {character: tokenizer.token_to_id(character) for character in set(text)}
    ids = np.array([known[character] or 0 for character in text], np.int32)
    return ids, int((ids == 0).sum())


def text_dataset(
    name: str,
    train: tuple[Sequence[str], Array],
    test: tuple[Sequence[str], Array],
    *,
    class_names: tuple[str, ...],
    source: str,
    digest: str,
    vocab_size: int,
    length: int,
) -> Dataset:
    """Return sentences with a label as ids and mask; `name` and the rest as in `Dataset`.

    Empty texts and training texts that the test split has as well are left out. A stratified tenth of the training
    texts becomes the validation split, and the tokenizer is trained on what is left.

    Args:
        name: The name of the data set.
        train: Texts and labels `[N]` to train on.
        test: Texts and labels `[N]` to test on.
        class_names: The names of the classes, in label order.
        source: The source that reports name.
        digest: The SHA-256 that reports name.
        vocab_size: The number of the tokenizer's tokens.
        length: The length of the context.

    Raises:
        DataError: a split has no texts, or labels are no class numbers.
    """
    held = set(test[0])
    test_texts, test_labels, num_empty = _clean(f"{name}: test", *test, class_names, without=frozenset())
    texts, labels, num_dropped = _clean(f"{name}: train", *train, class_names, without=held)
    chosen = choose_part(labels, len(texts), VAL_FRACTION)
    parts = {
        "train": ([text for text, is_val in zip(texts, chosen, strict=True) if not is_val], labels[~chosen]),
        "val": ([text for text, is_val in zip(texts, chosen, strict=True) if is_val], labels[chosen]),
        "test": (test_texts, test_labels),
    }
    tokenizer = train_tokenizer(parts["train"][0], vocab_size=vocab_size, length=length)
    encoded = {split: encode(tokenizer, part[0], subject=f"{name}: {split}") for split, part in parts.items()}
    splits = {split: Split(split, (encoded[split].ids, encoded[split].mask), part[1]) for split, part in parts.items()}
    cut = ", ".join(f"{split} {split_tokens.num_cut}" for split, split_tokens in encoded.items())
    unknown = ", ".join(f"{split} {split_tokens.num_unknown}" for split, split_tokens in encoded.items())
    return Dataset(
        name=name,
        train=splits["train"],
        val=splits["val"],
        test=splits["test"],
        class_names=class_names,
        source=source,
        digest=digest,
        facts={
            "clean": f"{num_empty} empty texts left out of test; {num_dropped} training texts left out that are empty "
            "or stand in the test split",
            "convert": f"byte-pair tokens, a vocabulary of {tokenizer.get_vocab_size():,} learned from train; "
            f"{length} ids and a mask a text; cut to that length: {cut}; unknown tokens: {unknown}",
            "normalise": "lower case; ids are not scaled",
            "validation split": f"a stratified tenth of train, seed {SPLIT_SEED}, kept from the tokenizer",
        },
        files={TOKENIZER: tokenizer.to_str(pretty=False)},
    )


def load_sentences(
    name: str,
    file: str,
    read_public: Callable[[], tuple[list[str], Array, str]],
    *,
    class_names: tuple[str, ...],
    source: str,
) -> Dataset:
    """Load a set of sentences as int32 ids and mask, each `[N, 64]`.

    Args:
        name: The name of the data set.
        file: The file in `$EDGETOOL_DATA`, which has a split of its own.
        read_public: Returns texts, labels `[N]` and the SHA-256 of a download; a fifth of it becomes the test split.
        class_names: The names of the classes, in label order.
        source: The source that reports name.

    Raises:
        DataError: the file is damaged.
        NetworkError: it is not there and cannot be downloaded.
    """
    path = shared_file(file)
    if path is not None:
        train, test, class_names, digest = npz_texts(path)
    else:
        texts, labels, digest = read_public()
        is_test = choose_part(labels, len(texts), TEST_FRACTION)
        train = [text for text, chosen in zip(texts, is_test, strict=True) if not chosen], labels[~is_test]
        test = [text for text, chosen in zip(texts, is_test, strict=True) if chosen], labels[is_test]
    return text_dataset(
        name, train, test, class_names=class_names, source=source, digest=digest, vocab_size=VOCAB_SIZE, length=LENGTH
    )


def npz_texts(path: Path) -> tuple[tuple[list[str], Array], tuple[list[str], Array], tuple[str, ...], str]:
    """Read an archive of texts and labels: `x_train`, `y_train`, `x_test`, `y_test`, `class_names`.

    Returns:
        Training texts and labels, test texts and labels, names of the classes, SHA-256 of the file.

    Raises:
        DataError: damaged, keys missing, or no texts.
    """
    from edgetool.data.npz import load_npz

    loaded = load_npz(path)
    parts = []
    for name, split in (("train", loaded.train), ("test", loaded.test)):
        texts = None if split is None else split.inputs[0]
        if split is None or texts is None or split.labels is None or texts.dtype.kind != "U" or texts.ndim != 1:
            raise DataError(
                f"{path}: x_{name}, y_{name}",
                found="nothing, or no texts with labels" if texts is None else f"{texts.dtype} {list(texts.shape)}",
                expected="Unicode strings [N] with a class number each",
                next_step="save them with numpy.savez_compressed",
            )
        parts.append(([str(text) for text in texts], split.labels))
    if not loaded.class_names:
        raise DataError(str(path), found="no class_names", expected="their names", next_step="save class_names too")
    return parts[0], parts[1], loaded.class_names, loaded.digest


def _clean(
    subject: str,
    texts: Sequence[str],
    labels: Array,
    class_names: tuple[str, ...],
    *,
    without: set[str] | frozenset[str],
) -> tuple[list[str], Array, int]:
    """Return texts and labels without empty texts and those of `without`, and how many went."""
    if labels.shape != (len(texts),) or labels.dtype.kind not in "iu" or not len(texts):
        raise DataError(
            subject,
            found=f"{len(texts)} texts, labels {labels.dtype} {list(labels.shape)}",
            expected="a class number for each text",
            next_step="save x and y of the split together",
        )
    if int(labels.min()) < 0 or int(labels.max()) >= len(class_names):
        raise DataError(
            subject,
            found=f"labels from {int(labels.min())} to {int(labels.max())}",
            expected=f"0 to {len(class_names) - 1}",
            next_step="number the classes from 0",
        )
    kept = np.array([bool(text.strip()) and text not in without for text in texts])
    if not kept.any():
        raise DataError(
            subject, found="no text that is not empty", expected="sentences", next_step="give data with texts"
        )
    return (
        [text for text, keep in zip(texts, kept, strict=True) if keep],
        labels[kept].astype(np.int64),
        int((~kept).sum()),
    )
