"""Arrays by key: missing ones and damage are named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgetool.data.sets.arrays import read_arrays
from edgetool.errors import DataError, FileFormatError


def test_only_the_wanted_arrays_are_read(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", one=np.arange(3), two=np.array(["x"]), three=np.zeros(1))
    found = read_arrays(tmp_path / "a.npz", ("one", "two"))
    assert set(found) == {"one", "two"} and found["one"].tolist() == [0, 1, 2] and found["two"].tolist() == ["x"]


def test_a_missing_array_is_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", one=np.arange(3))
    with pytest.raises(DataError, match="no array 'two', expected one, two"):
        read_arrays(tmp_path / "a.npz", ("one", "two"))


def test_damage_and_pickles_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(FileFormatError, match="damaged"):
        read_arrays(tmp_path / "a.npz", ("one",))
    np.savez(tmp_path / "b.npz", one=np.array([{}], object))
    with pytest.raises(FileFormatError, match="pickled objects"):
        read_arrays(tmp_path / "b.npz", ("one",))
