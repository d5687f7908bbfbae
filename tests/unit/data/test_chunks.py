"""Arrays in chunks: the same values as at once, in a file where they are large, and little memory on the way."""

from __future__ import annotations

import errno
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgetool.bounds import arrays as npz_arrays
from edgetool.data import chunks
from edgetool.data.load import load_dataset
from edgetool.data.preprocess import Preprocessing, apply
from edgetool.errors import DiskFullError


@pytest.fixture
def small_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "MEMORY_BYTES", 1 << 16)
    monkeypatch.setattr(chunks, "CHUNK_BYTES", 1 << 14)
    monkeypatch.setattr(npz_arrays, "MOST_READ", 1 << 16)


def is_in_file(array: Any) -> bool:
    return chunks._mapping(array) is not None


VALUES = np.random.default_rng(0).integers(0, 256, (3000, 8, 8), dtype=np.uint8)


@pytest.mark.parametrize("num_chosen", [0, 1, 700, 2900])
def test_rows_are_those_of_numpy(num_chosen: int, small_memory: None) -> None:
    mask = np.zeros(len(VALUES), np.bool_)
    mask[np.random.default_rng(1).permutation(len(VALUES))[:num_chosen]] = True
    for chosen in (mask, np.flatnonzero(mask), np.flatnonzero(mask)[::-1]):
        taken = chunks.take_rows(VALUES, chosen)
        assert is_in_file(taken) == (num_chosen == 2900)
        assert taken.dtype == np.uint8
        np.testing.assert_array_equal(taken, VALUES[chosen])


def test_rows_of_a_mapped_array_stay_in_memory_where_they_are_few(small_memory: None) -> None:
    mapped = chunks.take_rows(VALUES, np.arange(2900))
    few = chunks.take_rows(mapped, np.arange(500, 1000))
    assert is_in_file(mapped) and not is_in_file(few)
    np.testing.assert_array_equal(few, VALUES[500:1000])
    chunks.let_go(mapped)
    np.testing.assert_array_equal(mapped, VALUES[:2900])


def test_conversion_is_that_of_the_whole(small_memory: None) -> None:
    converted = chunks.convert_rows(VALUES, lambda rows: rows.astype(np.float32) / 3)
    assert is_in_file(converted) and converted.dtype == np.float32
    np.testing.assert_array_equal(converted, VALUES.astype(np.float32) / 3)
    few = chunks.convert_rows(VALUES[:10], lambda rows: rows.astype(np.float32))
    assert not is_in_file(few) and few.shape == (10, 8, 8)
    assert chunks.convert_rows(VALUES, lambda rows: rows) is VALUES
    assert chunks.convert_rows(VALUES[:0], lambda rows: rows.astype(np.float32)).shape == (0, 8, 8)


@pytest.mark.parametrize("num_rows", [10, 900])
def test_what_is_left_as_it_is_begins_where_runtimes_can_read_it(num_rows: int, small_memory: None) -> None:
    values = np.arange(900 * 64, dtype=np.float32).reshape(900, 64)[:num_rows]
    odd = np.frombuffer(b"x" + values.tobytes(), np.uint8)[1:].view(np.float32).reshape(values.shape)
    assert not odd.flags.aligned
    same = chunks.convert_rows(odd, lambda rows: rows)
    assert same.flags.aligned and is_in_file(same) == (num_rows == 900)
    np.testing.assert_array_equal(same, values)


def test_a_full_disk_is_told(small_memory: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(chunks.tempfile, "TemporaryFile", full)
    with pytest.raises(DiskFullError):
        chunks.take_rows(VALUES, np.arange(len(VALUES)))


def test_a_data_set_is_loaded_and_scaled_in_little_memory(small_memory: None, tmp_path: Path) -> None:
    images = np.random.default_rng(2).integers(0, 256, (4000, 32, 32, 3), dtype=np.uint8)
    labels = np.arange(4000) % 10
    np.savez(tmp_path / "large.npz", x_train=images, y_train=labels, x_test=images[:500], y_test=labels[:500])
    load_dataset(str(tmp_path / "large.npz"))  # what is imported on the way does not count
    tracemalloc.start()
    try:
        dataset = apply(load_dataset(str(tmp_path / "large.npz")), Preprocessing(scale=1 / 255))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert dataset.train is not None and dataset.val is not None and dataset.test is not None
    assert peak < images.nbytes / 4
    assert all(is_in_file(split.inputs[0]) for split in (dataset.train, dataset.val, dataset.test))
    np.testing.assert_allclose(dataset.test.inputs[0], images[:500] / 255, atol=1e-6)
