"""Archives: the plain layout, JPEG bytes end to end, and damaged files."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgetool.data.npz import load_npz, read_arrays
from edgetool.errors import DataError, FileFormatError


def _save(path: Path, **arrays: object) -> Path:
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]
    return path


def _jpegs(count: int, size: int = 8) -> tuple[np.ndarray, np.ndarray]:
    blobs = []
    for index in range(count):
        stream = io.BytesIO()
        Image.fromarray(np.full((size, size, 3), index * 40, np.uint8)).save(stream, "JPEG", quality=95)
        blobs.append(stream.getvalue())
    offsets = np.cumsum([0, *(len(blob) for blob in blobs)])
    return np.frombuffer(b"".join(blobs), np.uint8), offsets


def test_reads_all_splits_and_class_names(tmp_path: Path) -> None:
    x, y = np.arange(24, dtype=np.float32).reshape(4, 6), np.array([0, 1, 0, 1])
    path = _save(
        tmp_path / "a.npz",
        x_train=x,
        y_train=y,
        x_val=x[:2],
        y_val=y[:2],
        x_test=x[2:],
        y_test=y[2:],
        class_names=np.array(["no", "yes"]),
        index_train=np.arange(4),
    )
    loaded = load_npz(path)
    assert loaded.class_names == ("no", "yes")
    assert loaded.train is not None and loaded.val is not None and loaded.test is not None
    np.testing.assert_array_equal(loaded.train.inputs[0], x)
    np.testing.assert_array_equal(loaded.test.labels, y[2:])
    assert len(loaded.digest) == 64


def test_several_inputs_keep_their_order(tmp_path: Path) -> None:
    path = _save(tmp_path / "a.npz", x_test_0=np.zeros((2, 3)), x_test_1=np.ones((2, 5)), y_test=np.zeros(2, int))
    loaded = load_npz(path)
    assert loaded.test is not None
    assert [x.shape for x in loaded.test.inputs] == [(2, 3), (2, 5)]


def test_decodes_jpegs(tmp_path: Path) -> None:
    blob, offsets = _jpegs(3)
    path = _save(tmp_path / "a.npz", jpeg_test=blob, offsets_test=offsets, y_test=np.arange(3))
    loaded = load_npz(path)
    assert loaded.test is not None
    images = loaded.test.inputs[0]
    assert images.shape == (3, 8, 8, 3) and images.dtype == np.uint8
    assert abs(int(images[2].mean()) - 80) <= 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda blob, offsets: (blob[:-30], offsets), "as the last offset says"),
        (lambda blob, offsets: (blob, offsets[::-1]), "no rising offsets"),
        (
            lambda blob, offsets: (
                np.concatenate([blob[: offsets[1]], blob[: offsets[1]] * 0]),
                np.array([0, offsets[1], 2 * offsets[1]]),
            ),
            r"jpeg_test\[1\]",
        ),
    ],
)
def test_damaged_jpegs_are_named(tmp_path: Path, change: object, message: str) -> None:
    blob, offsets = change(*_jpegs(3))  # type: ignore[operator]
    path = _save(tmp_path / "a.npz", jpeg_test=blob, offsets_test=offsets)
    with pytest.raises((DataError, FileFormatError), match=message):
        load_npz(path)


def test_unlike_jpeg_sizes_are_named(tmp_path: Path) -> None:
    (small, first), (large, second) = _jpegs(1, 8), _jpegs(1, 16)
    offsets = np.array([0, first[-1], first[-1] + second[-1]])
    path = _save(tmp_path / "a.npz", jpeg_test=np.concatenate([small, large]), offsets_test=offsets)
    with pytest.raises(DataError, match=r"jpeg_test\[1\]: an image of \[16, 16, 3\], expected \[8, 8, 3\]"):
        load_npz(path)


def test_missing_keys_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="x_train and y_train, x_test and y_test"):
        load_npz(_save(tmp_path / "a.npz", images=np.zeros(3)))
    with pytest.raises(DataError, match="y_test without x_test"):
        load_npz(_save(tmp_path / "b.npz", x_train=np.zeros((2, 2)), y_test=np.zeros(2)))


def test_pickled_objects_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, x_test=np.array([{"a": 1}, None], dtype=object))
    with pytest.raises(FileFormatError, match="pickle"):
        load_npz(path)


def test_a_single_array_or_pickle_under_the_suffix_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    with path.open("wb") as stream:
        np.save(stream, np.zeros(3))
    with pytest.raises(FileFormatError, match="damaged"):
        load_npz(path)


def test_every_damage_gives_an_error_or_the_right_arrays(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(6, 5)).astype(np.float32)
    good = _save(tmp_path / "good.npz", x_test=x, y_test=np.arange(6)).read_bytes()
    random = np.random.default_rng(1)
    refused = 0
    for trial in range(300):
        bad = bytearray(good)
        if trial % 3 == 0:
            bad = bad[: int(random.integers(len(bad)))]
        else:
            for position in random.integers(len(bad), size=1 + trial % 4):
                bad[position] ^= 1 << int(random.integers(8))
        path = tmp_path / "bad.npz"
        path.write_bytes(bytes(bad))
        try:
            loaded = load_npz(path)
        except (FileFormatError, DataError):
            refused += 1
        else:
            assert loaded.test is not None
            np.testing.assert_array_equal(loaded.test.inputs[0], x)
    assert refused > 100


def test_other_arrays_are_read_by_name(tmp_path: Path) -> None:
    path = _save(tmp_path / "a.npz", feature_names=np.array(["a", "b"]), time_train=np.arange(3), odd=np.zeros(2))
    arrays = read_arrays(path, ("time_train", "feature_names"))
    assert list(arrays) == ["time_train", "feature_names"] and arrays["feature_names"].tolist() == ["a", "b"]
    with pytest.raises(
        DataError, match=r"arrays feature_names, odd, time_train, but no x_train, expected x_train, odd"
    ):
        read_arrays(path, ("x_train", "odd"))
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(FileFormatError, match="damaged"):
        read_arrays(path, ("odd",))
