"""CIFAR-10: from `$EDGETOOL_DATA/cifar10.npz`, or its public download (binary version, so nothing is unpickled)."""

from __future__ import annotations

import tarfile
import zlib
from pathlib import Path

import numpy as np

from edgetool.data.dataset import Array, Dataset, Split
from edgetool.data.download import download, shared_file
from edgetool.errors import DataError

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
    archive = download(URL, sha256=SHA256)
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
