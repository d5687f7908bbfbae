"""CIFAR-10: from `$EDGETOOL_DATA/cifar10.npz`, or its public download (binary version, so nothing is unpickled)."""

from __future__ import annotations

import http.client
import os
import tarfile
import urllib.error
import urllib.request
import zlib
from pathlib import Path

import numpy as np

from edgetool.artifact import digest_path
from edgetool.data.dataset import Array, Dataset, Split
from edgetool.data.named import shared_file
from edgetool.errors import DataError, NetworkError
from edgetool.store.atomic import atomic_path

__all__ = ["load_cifar10", "read_binary_archive"]

#: https://www.cs.toronto.edu/~kriz/cifar.html, "CIFAR-10 binary version" (170,052,171 bytes, MD5 c32a1d4a... there);
#: the SHA-256 is the one that TensorFlow Datasets holds it to.
URL = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
SHA256 = "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"

CLASS_NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
RECORD_BYTES = 1 + 3 * 32 * 32


def load_cifar10() -> Dataset:
    """Load CIFAR-10 as uint8 `[N, 32, 32, 3]`, 0..255; the split is the source's.

    Raises:
        NetworkError: the file is not cached and cannot be downloaded, or its digest is wrong.
    """
    from edgetool.data.npz import load_npz

    path = shared_file("cifar10.npz")
    if path is not None:
        return load_npz(
            path, name="cifar10", source="CIFAR-10 (Krizhevsky 2009), lossless, part of the official splits"
        )
    archive = _cache_folder() / "cifar-10-binary.tar.gz"
    if not archive.is_file():
        _download(URL, archive)
    _check_digest(archive, next_step="delete the file and run again")
    train, test = read_binary_archive(archive)
    return Dataset(
        name="cifar10",
        train=train,
        val=None,
        test=test,
        class_names=CLASS_NAMES,
        source=f"CIFAR-10 (Krizhevsky 2009), {URL}",
        digest=SHA256,
    )


def read_binary_archive(path: Path) -> tuple[Split, Split]:
    """Read the training and the test split from CIFAR-10's binary archive: a label byte, then 3x32x32 pixels a record.

    Raises:
        DataError: damaged, or a batch is missing.
    """
    batches: dict[str, bytes] = {}
    try:
        with tarfile.open(path, "r:gz") as archive:
            for member in archive:
                name = Path(member.name).name
                if member.isfile() and name.endswith(".bin"):
                    stream = archive.extractfile(member)
                    batches[name] = stream.read() if stream is not None else b""
    except (tarfile.TarError, OSError, EOFError, zlib.error) as exc:
        raise DataError(
            str(path), found=f"a damaged archive ({exc})", expected="CIFAR-10", next_step="delete it"
        ) from None
    wanted = [f"data_batch_{number}.bin" for number in range(1, 6)]
    missing = [name for name in (*wanted, "test_batch.bin") if name not in batches]
    if missing:
        raise DataError(str(path), found=f"no {missing[0]}", expected="all six batches", next_step="delete the file")
    return _decode("train", b"".join(batches[name] for name in wanted)), _decode("test", batches["test_batch.bin"])


def _decode(name: str, content: bytes) -> Split:
    if not content or len(content) % RECORD_BYTES:
        raise DataError(
            name,
            found=f"{len(content)} bytes",
            expected=f"a multiple of {RECORD_BYTES}",
            next_step="get the file again",
        )
    records: Array = np.frombuffer(content, np.uint8).reshape(-1, RECORD_BYTES)
    images = records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return Split(name, (np.ascontiguousarray(images),), records[:, 0].astype(np.int64))


def _cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "edgetool"


def _download(url: str, path: Path) -> None:
    try:
        with (
            urllib.request.urlopen(url, timeout=60) as answer,  # noqa: S310 - a constant https address
            atomic_path(path) as temporary,
            temporary.open("wb") as stream,
        ):
            while chunk := _receive(answer):
                stream.write(chunk)
            stream.flush()
            _check_digest(temporary, next_step="run again; the download was cut short or changed on its way")
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as exc:
        raise NetworkError(
            url,
            found=f"no download ({getattr(exc, 'reason', exc)})",
            expected="the public file",
            next_step=f"put it at {path} by hand, set EDGETOOL_DATA, or use --data digits, which is bundled",
        ) from None


def _check_digest(path: Path, *, next_step: str) -> None:
    found = digest_path(path)
    if found != SHA256:
        raise NetworkError(str(path), found=f"SHA-256 {found}", expected=f"{SHA256}, as published", next_step=next_step)


def _receive(answer: http.client.HTTPResponse) -> bytes:
    """Read a part of a download; a broken connection is none of the disk's errors."""
    try:
        return answer.read(1 << 20)
    except OSError as exc:
        raise http.client.HTTPException(str(exc)) from exc
