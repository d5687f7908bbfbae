"""`.npz` archives: headers that lie are found out before memory is taken."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgetool.bounds import arrays as npz_arrays
from edgetool.bounds import memory
from edgetool.bounds.arrays import read_npz
from edgetool.errors import FileFormatError


def everything(_: str) -> bool:
    return True


def archive(path: Path, header: str, body: bytes = b"", version: bytes = b"\x01\x00") -> Path:
    raw = header.encode()
    length = len(raw).to_bytes(2 if version[0] == 1 else 4, "little")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("x.npy", b"\x93NUMPY" + version + length + raw + body)
    return path


@pytest.mark.parametrize(
    "array",
    [
        np.arange(12, dtype=np.int64).reshape(3, 4),
        np.asfortranarray(np.ones((2, 5), np.float16)),
        np.zeros((0, 3), np.float32),
        np.array(3.5),
        np.array(["ab", "c"]),
        np.zeros(1 << 20, np.uint8),
        np.array([(1, 2.0)], [("a", "i4"), ("b", "f8")]),
    ],
)
def test_arrays_come_back(array: Any, tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", x=array, other=np.zeros(3))
    found = read_npz(tmp_path / "a.npz", lambda key: key == "x")
    assert list(found) == ["x"] and found["x"].dtype == array.dtype
    assert np.array_equal(found["x"], array)


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,), }\n",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n",
        "{'descr': '|V0', 'fortran_order': False, 'shape': (1000000000000,), }\n",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }\n",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (",
        "{'descr': '<f4', 'fortran_order': \"\"\"",
        "(((((((((((",
        "{" * 3000,
        "",
    ],
)
def test_headers_that_lie_or_are_none(header: str, tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match=r"a\.npz: x"):
        read_npz(archive(tmp_path / "a.npz", header, bytes(4)), everything)


def test_unknown_versions_and_pickles(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError):
        read_npz(archive(tmp_path / "a.npz", "{}", version=b"\x09\x00"), everything)
    np.savez(tmp_path / "b.npz", x=np.array([{}], object), allow_pickle=True)
    with pytest.raises(FileFormatError, match="pickled"):
        read_npz(tmp_path / "b.npz", everything)
    np.save(io.BytesIO(), np.zeros(3))
    (tmp_path / "c.npz").write_bytes(b"\x93NUMPY")
    with pytest.raises(FileFormatError):
        read_npz(tmp_path / "c.npz", everything)


LARGE = np.random.default_rng(0).normal(size=(40, 50))


@pytest.mark.parametrize("array", [LARGE, np.asfortranarray(LARGE), LARGE.astype(">f4")])
def test_a_large_array_is_mapped_where_it_is_not_compressed(
    array: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(npz_arrays, "MOST_READ", 1000)
    np.savez(tmp_path / "a.npz", first=np.arange(5), x=array)
    np.savez_compressed(tmp_path / "b.npz", first=np.arange(5), x=array)
    mapped, read = (read_npz(tmp_path / name, everything) for name in ("a.npz", "b.npz"))
    assert isinstance(mapped["x"].base, np.memmap) and not isinstance(read["x"].base, np.memmap)
    assert mapped["first"].tolist() == read["first"].tolist() == [0, 1, 2, 3, 4]
    assert mapped["x"].dtype == array.dtype
    np.testing.assert_array_equal(mapped["x"], array)
    np.testing.assert_array_equal(read["x"], array)


def test_damage_in_a_large_array_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(npz_arrays, "MOST_READ", 1000)
    np.savez(tmp_path / "a.npz", x=LARGE)
    content = bytearray((tmp_path / "a.npz").read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(FileFormatError, match=r"a\.npz: x"):
        read_npz(tmp_path / "a.npz", everything)


def test_a_mapped_array_may_be_larger_than_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(npz_arrays, "MOST_READ", 1000)
    monkeypatch.setattr(memory, "total_memory_bytes", lambda: 4000)
    np.savez(tmp_path / "a.npz", x=LARGE)
    assert read_npz(tmp_path / "a.npz", everything)["x"].shape == LARGE.shape
    np.savez_compressed(tmp_path / "b.npz", x=LARGE)
    with pytest.raises(FileFormatError, match="claim"):
        read_npz(tmp_path / "b.npz", everything)
