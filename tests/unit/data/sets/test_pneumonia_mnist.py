"""PneumoniaMNIST: both layouts, repeats dropped from the training split, and arrays that are no X-rays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgetool.data.dataset import Array
from edgetool.data.load import load_dataset
from edgetool.data.sets import pneumonia_mnist
from edgetool.errors import DataError, NetworkError

SIZES = {"train": 12, "val": 4, "test": 6}


def _images(name: str) -> Array:
    return np.random.default_rng(SIZES[name]).integers(0, 256, (SIZES[name], 28, 28), dtype=np.uint8)


def _labels(name: str) -> Array:
    return (np.arange(SIZES[name]) % 3 > 0).astype(np.uint8)


def _save(folder: Path, **changes: object) -> None:
    arrays: dict[str, object] = {}
    for name in SIZES:
        arrays |= {f"x_{name}": _images(name), f"y_{name}": _labels(name)}
    arrays |= changes
    np.savez(folder / "pneumoniamnist.npz", **{key: value for key, value in arrays.items() if value is not None})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EDGETOOL_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def test_images_get_a_channel_and_leaks_are_dropped(folder: Path) -> None:
    train = _images("train")
    train[3], train[5] = train[0], _images("test")[1]
    _save(folder, x_train=train)
    data = load_dataset("pneumonia-mnist")
    assert data.train is not None and data.val is not None and data.test is not None
    assert [split.num_samples for split in (data.train, data.val, data.test)] == [10, 4, 6]
    assert data.test.inputs[0].shape == (6, 28, 28, 1) and data.test.inputs[0].dtype == np.uint8
    assert data.facts["clean"].startswith("1 training rows dropped that repeat an earlier one, 1 whose inputs stand in")
    assert "val or test too; 70% of the training images are pneumonia" in data.facts["clean"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"y_val": None}, "but no y_val"),
        ({"x_test": _images("test") / 255.0}, r"test: float64 images of shape \[6, 28, 28\]"),
        ({"x_test": _images("test")[:, :20]}, r"uint8 images of shape \[6, 20, 28\]"),
        ({"y_test": _labels("test")[:-1]}, "and a label each"),
        ({"y_test": _labels("test") + 1}, "test: labels: 2 in row 2 and 3 more"),
    ],
)
def test_another_layout_is_refused(folder: Path, changes: dict[str, object], message: str) -> None:
    _save(folder, **changes)
    with pytest.raises(DataError, match=message):
        load_dataset("pneumonia-mnist")


def test_the_public_file_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served: dict[str, Array] = {}
    for name in SIZES:
        served |= {f"{name}_images": _images(name), f"{name}_labels": _labels(name)[:, None]}
    np.savez(folder / "served.npz", **served)  # type: ignore[arg-type]  # NumPy types its other keywords here
    monkeypatch.setattr(pneumonia_mnist, "URL", (folder / "served.npz").as_uri())
    with pytest.raises(NetworkError, match="cut short or changed"):
        load_dataset("pneumonia-mnist")
    monkeypatch.setattr(pneumonia_mnist, "SHA256", None)
    data = load_dataset("pneumonia-mnist")
    assert data.val is not None and data.val.labels is not None
    np.testing.assert_array_equal(data.val.inputs[0][..., 0], _images("val"))
    assert data.val.labels.tolist() == [0, 1, 1, 0]


def test_the_real_images(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGETOOL_DATA", str(shared_data))
    data = load_dataset("pneumonia-mnist")
    assert data.train is not None and data.val is not None and data.test is not None
    assert [split.num_samples for split in (data.train, data.val, data.test)] == [3857, 524, 499]
    assert "90% of the training images are pneumonia" in data.facts["clean"]
