"""Movie-review sentences, negative or positive (sentence polarity data set v1.0)."""

from __future__ import annotations

import tarfile
import zlib
from pathlib import Path

import numpy as np

from edgetool.artifact import digest_path
from edgetool.data.dataset import Array, Dataset
from edgetool.data.download import download
from edgetool.data.text import load_sentences
from edgetool.errors import DataError

__all__ = ["load", "read_archive"]

#: https://www.cs.cornell.edu/people/pabo/movie-review-data/, which states no digest.
URL = "https://www.cs.cornell.edu/people/pabo/movie-review-data/rt-polaritydata.tar.gz"
SOURCE = "sentence polarity data set v1.0 (Pang and Lee 2005; no licence stated, the authors ask for a citation)"

CLASS_NAMES = ("negative", "positive")
SUFFIXES = (".neg", ".pos")


def load() -> Dataset:
    """Load the sentences; label 1 is positive. See `load_sentences`."""

    def read_public() -> tuple[list[str], Array, str]:
        archive = download(URL)
        return (*read_archive(archive), digest_path(archive))

    return load_sentences("movie-sentences", "movie_sentences.npz", read_public, class_names=CLASS_NAMES, source=SOURCE)


def read_archive(path: Path) -> tuple[list[str], Array]:
    """Read `rt-polarity.neg` and `rt-polarity.pos` from the authors' archive: a sentence a line, in Latin-1.

    A sentence that stands in both files, or twice, is taken once, as it stands first.

    Returns:
        Texts, negative ones first, and labels `[N]`.

    Raises:
        DataError: damaged, or a file is missing.
    """
    contents: dict[str, str] = {}
    try:
        with tarfile.open(path, "r:gz") as archive:
            for member in archive:
                suffix = Path(member.name).suffix
                stream = archive.extractfile(member) if member.isfile() and suffix in SUFFIXES else None
                if stream is not None:
                    contents[suffix] = stream.read().decode("latin-1")
    except (tarfile.TarError, OSError, EOFError, zlib.error) as exc:
        raise DataError(
            str(path), found=f"a damaged archive ({exc})", expected="rt-polaritydata", next_step="delete the file"
        ) from None
    missing = [suffix for suffix in SUFFIXES if not contents.get(suffix, "").strip()]
    if missing:
        raise DataError(
            str(path), found=f"no rt-polarity{missing[0]}", expected="both files", next_step="delete the file"
        )
    labels: dict[str, int] = {}
    for label, suffix in enumerate(SUFFIXES):
        for line in contents[suffix].split("\n"):
            if line.strip():
                labels.setdefault(line.strip(), label)
    return list(labels), np.array(list(labels.values()), np.int64)
