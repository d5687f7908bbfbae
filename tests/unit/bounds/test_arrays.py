"""`.npz` archives: headers that lie are found out before memory is taken."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

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
