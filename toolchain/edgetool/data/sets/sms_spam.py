"""SMS Spam Collection: short messages, spam or not."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np

from edgetool.data.dataset import Array, Dataset
from edgetool.data.download import download
from edgetool.data.text import load_sentences
from edgetool.errors import DataError

__all__ = ["load", "read_collection"]

#: https://archive.ics.uci.edu/dataset/228/sms+spam+collection; the digest is the one that several public projects hold
#: the archive to.
URL = "https://archive.ics.uci.edu/static/public/228/sms+spam+collection.zip"
SHA256 = "1587ea43e58e82b14ff1f5425c88e17f8496bfcdb67a583dbff9eefaf9963ce3"
SOURCE = "SMS Spam Collection (Almeida and Gomez Hidalgo 2011; UCI 228, CC BY 4.0)"

CLASS_NAMES = ("ham", "spam")
MEMBER = "SMSSpamCollection"


def load() -> Dataset:
    """Load the messages; label 1 is spam, and repeated messages are removed. See `load_sentences`."""

    def read_public() -> tuple[list[str], Array, str]:
        return (*read_collection(download(URL, sha256=SHA256, name="sms_spam_collection.zip")), SHA256)

    return load_sentences("sms-spam", "sms_spam.npz", read_public, class_names=CLASS_NAMES, source=SOURCE)


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
    labels: dict[str, int] = {}
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
        labels.setdefault(text.strip(), CLASS_NAMES.index(label))
    if not labels:
        raise DataError(str(path), found="no message", expected="one a line", next_step="delete the file and run again")
    return list(labels), np.array(list(labels.values()), np.int64)
