"""Animals against vehicles: which class is which, how images are enlarged, how many are taken."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgetool.data.load import load_dataset
from edgetool.data.sets import cifar10_animals


def _cifar(folder: Path, count: int = 20) -> None:
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (count, 32, 32, 3), np.uint8)
    images[0] = 200
    labels = (np.arange(count) % 10).astype(np.uint8)
    np.savez(folder / "cifar10.npz", x_train=images, y_train=labels, x_test=images[:10], y_test=labels[:10])


def test_six_classes_are_animals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGETOOL_DATA", str(tmp_path))
    _cifar(tmp_path)
    found = cifar10_animals.load()
    assert found.test is not None and found.test.labels is not None
    np.testing.assert_array_equal(found.test.labels, [0, 0, 1, 1, 1, 1, 1, 1, 0, 0])
    images = found.test.inputs[0]
    assert images.shape == (10, 96, 96, 3) and images.dtype == np.uint8
    assert (images[0] == 200).all() and images[1].std() > 20.0
    assert found.class_names == ("vehicle", "animal")


def test_the_whole_of_cifar10_is_cut_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGETOOL_DATA", str(tmp_path))
    monkeypatch.setattr(cifar10_animals, "MAX_TRAIN", 12)
    monkeypatch.setattr(cifar10_animals, "MAX_TEST", 4)
    _cifar(tmp_path)
    found = load_dataset("cifar10-animals-96")
    assert found.train is not None and found.val is not None and found.test is not None
    assert found.train.num_samples + found.val.num_samples == 12 and found.test.num_samples == 4
    assert "12 of 20 train images, 4 of 10 test images taken" in found.facts["clean"]
    assert "10 duplicates" not in found.facts["clean"]  # counted among those taken
