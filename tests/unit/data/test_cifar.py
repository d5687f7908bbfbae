"""CIFAR-10's binary archive: layout, damage, and a download that is not the published file."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import numpy as np
import pytest

from edgetool.data import cifar
from edgetool.errors import DataError, NetworkError

BATCHES = [*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin"]


def _archive(path: Path, names: list[str], records: int = 2) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for number, name in enumerate(names):
            content = b"".join(
                bytes([number]) + bytes([10]) * 1024 + bytes([20]) * 1024 + bytes([30]) * 1024 for _ in range(records)
            )
            entry = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


def test_records_become_images(tmp_path: Path) -> None:
    train, test = cifar.read_binary_archive(_archive(tmp_path / "c.tar.gz", BATCHES))
    assert train.inputs[0].shape == (10, 32, 32, 3) and test.inputs[0].shape == (2, 32, 32, 3)
    np.testing.assert_array_equal(train.inputs[0][0, 0, 0], [10, 20, 30])
    np.testing.assert_array_equal(train.labels, np.repeat(np.arange(5), 2))
    np.testing.assert_array_equal(test.labels, [5, 5])


def test_a_missing_batch_and_a_cut_archive_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no data_batch_3\.bin"):
        cifar.read_binary_archive(_archive(tmp_path / "c.tar.gz", [n for n in BATCHES if "3" not in n]))
    whole = _archive(tmp_path / "d.tar.gz", BATCHES, records=40)
    whole.write_bytes(whole.read_bytes()[:-200])
    with pytest.raises(DataError, match="damaged archive"):
        cifar.read_binary_archive(whole)


def test_another_file_in_the_cache_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EDGETOOL_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "edgetool").mkdir()
    _archive(tmp_path / "edgetool" / "cifar-10-binary.tar.gz", BATCHES)
    with pytest.raises(NetworkError, match=f"expected {cifar.SHA256}"):
        cifar.load_cifar10()


def test_a_changed_download_never_takes_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EDGETOOL_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(cifar, "URL", _archive(tmp_path / "served.tar.gz", BATCHES).as_uri())
    with pytest.raises(NetworkError, match="cut short or changed"):
        cifar.load_cifar10()
    assert [item for item in (tmp_path / "cache").rglob("*") if item.is_file()] == []


def test_a_download_that_fails_says_what_else_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EDGETOOL_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(cifar, "URL", (tmp_path / "nothing.tar.gz").as_uri())
    with pytest.raises(NetworkError, match="--data digits, which is bundled"):
        cifar.load_cifar10()
