"""What a spec is taken for, and what every data set gets: checks, a digest, a validation split."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from edgetool.data.load import load_dataset, require_data
from edgetool.errors import DataError, MissingFileError


def _npz(path: Path, **arrays: np.ndarray) -> str:
    np.savez(path, **arrays)  # type: ignore[arg-type]
    return str(path)


def test_validation_is_carved_only_where_there_is_none(tmp_path: Path) -> None:
    x, y = np.zeros((40, 2)), np.arange(40) % 4
    carved = load_dataset(_npz(tmp_path / "a.npz", x_train=x, y_train=y, x_test=x, y_test=y), val_fraction=0.2)
    assert carved.train is not None and carved.val is not None
    assert (carved.train.num_samples, carved.val.num_samples) == (32, 8)
    own = load_dataset(_npz(tmp_path / "b.npz", x_train=x, y_train=y, x_val=x, y_val=y))
    assert own.train is not None and own.train.num_samples == 40
    few = load_dataset(_npz(tmp_path / "c.npz", x_train=x[:9], y_train=y[:9]))
    assert few.val is None


def test_a_column_of_class_numbers_is_flattened(tmp_path: Path) -> None:
    loaded = load_dataset(_npz(tmp_path / "a.npz", x_test=np.zeros((3, 2)), y_test=np.array([[0], [1], [2]])))
    assert loaded.test is not None and loaded.test.labels is not None
    np.testing.assert_array_equal(loaded.test.labels, [0, 1, 2])


def test_targets_of_one_column_stay_as_they_are(tmp_path: Path) -> None:
    loaded = load_dataset(_npz(tmp_path / "a.npz", x_test=np.zeros((3, 2)), y_test=np.ones((3, 1), np.float32)))
    assert loaded.test is not None and loaded.test.labels is not None and loaded.test.labels.shape == (3, 1)


def test_nan_is_found_on_the_way(tmp_path: Path) -> None:
    x = np.zeros((4, 2))
    x[2, 1] = np.nan
    with pytest.raises(DataError, match=r"sample 2 at \[1\]"):
        load_dataset(_npz(tmp_path / "a.npz", x_test=x))


def test_unknown_names_and_suffixes(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="did you mean 'cifar10'"):
        load_dataset("cifar1")
    path = tmp_path / "a.txt"
    path.write_text("x")
    with pytest.raises(DataError, match=r"'.txt', expected .npz, .csv or .parquet"):
        load_dataset(str(path))


@pytest.mark.parametrize("kind", ["missing", "long", "fifo", "suffix"])
def test_data_that_are_not_there_are_refused_before_anything_is_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / {"suffix": "data.txt", "long": "n" * 300 + ".npz"}.get(kind, "data.npz")
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "suffix":
        path.write_text("")
    with pytest.raises(DataError if kind == "suffix" else MissingFileError) as caught:
        require_data(str(path))
    assert len(str(caught.value)) < 1500
    assert ("FIFO" in caught.value.found) == (kind == "fifo")


def test_names_functions_files_and_folders_pass(tmp_path: Path) -> None:
    (tmp_path / "data.npz").write_bytes(b"read later")
    for spec in ("digits", "my_module:load", str(tmp_path), str(tmp_path / "data.npz")):
        require_data(spec)


def test_a_mistyped_path_is_answered_with_the_file_beside_it(tmp_path: Path) -> None:
    _npz(tmp_path / "data.npz", x_test=np.zeros((3, 2)))
    with pytest.raises(MissingFileError) as caught:
        require_data(str(tmp_path / "dta.npz"))
    assert caught.value.next_step == f"check the path; did you mean {str(tmp_path / 'data.npz')!r}?"
    with pytest.raises(MissingFileError) as caught:
        require_data(str(tmp_path / "nowhere" / "data.npz"))
    assert caught.value.next_step == "check the path"
