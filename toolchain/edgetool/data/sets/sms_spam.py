"""SMS Spam Collection: short messages, spam or not."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np

from edgetool.data.dataset import Array, Dataset
from edgetool.data.download import download, shared_file
from edgetool.data.split import choose_part
from edgetool.data.text import npz_texts, text_dataset
from edgetool.errors import DataError

__all__ = ["load", "read_collection"]

#: https://archive.ics.uci.edu/dataset/228/sms+spam+collection; the digest is the one that several public projects hold
#: the archive to.
URL = "https://archive.ics.uci.edu/static/public/228/sms+spam+collection.zip"
SHA256 = "1587ea43e58e82b14ff1f5425c88e17f8496bfcdb67a583dbff9eefaf9963ce3"
SOURCE = "SMS Spam Collection (Almeida and Gomez Hidalgo 2011; UCI 228, CC BY 4.0)"

CLASS_NAMES = ("ham", "spam")
MEMBER = "SMSSpamCollection"

#: As many texts as `bert-mini` has rows in its table, and positions.
VOCAB_SIZE = 8192
LENGTH = 64

TEST_FRACTION = 0.2


def load() -> Dataset:
    """Load the messages as int32 ids and mask, each `[N, 64]`; label 1 is spam.

    `$EDGETOOL_DATA/sms_spam.npz` brings its own split; of the download a stratified fifth is the test split, after
    repeated messages were removed.

    Raises:
        DataError: the file is damaged.
        NetworkError: it is not there and cannot be downloaded.
    """
    path = shared_file("sms_spam.npz")
    if path is not None:
        train, test, class_names, digest = npz_texts(path)
    else:
        texts, labels = read_collection(download(URL, sha256=SHA256, name="sms_spam_collection.zip"))
        is_test = choose_part(labels, len(texts), TEST_FRACTION)
        train = [text for text, chosen in zip(texts, is_test, strict=True) if not chosen], labels[~is_test]
        test = [text for text, chosen in zip(texts, is_test, strict=True) if chosen], labels[is_test]
        class_names, digest = CLASS_NAMES, SHA256
    return text_dataset(
        "sms-spam",
        train,
        test,
        class_names=class_names,
        source=SOURCE,
        digest=digest,
        vocab_size=VOCAB_SIZE,
        length=LENGTH,
    )


def read_collection(path: Path) -> tuple[list[str], Array]:
    """Read UCI's archive: a line a message, `ham` or `spam`, a tab, the text in UTF-8; repeated messages go.

    Returns:
        Texts in the order of the file, and labels `[N]`.

    Raises:
        DataError: damaged, or a line of another kind.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            content = archive.read(MEMBER).decode("utf-8")
    except (zipfile.BadZipFile, KeyError, OSError, EOFError, zlib.error, UnicodeDecodeError) as exc:
        raise DataError(
            str(path), found=f"a damaged archive ({exc})", expected=f"{MEMBER} in it", next_step="delete the file"
        ) from None
    found: dict[str, int] = {}
    for number, line in enumerate(content.split("\n"), start=1):
        if not line.strip():
            continue
        label, tab, text = line.rstrip("\r").partition("\t")
        if not tab or label not in CLASS_NAMES:
            raise DataError(
                f"{path}: line {number}",
                found=f"{line[:40]!r}",
                expected="ham or spam, a tab and a text",
                next_step="delete the file and run again",
            )
        found.setdefault(text.strip(), CLASS_NAMES.index(label))
    if not found:
        raise DataError(str(path), found="no message", expected="one a line", next_step="delete the file and run again")
    return list(found), np.array(list(found.values()), np.int64)
