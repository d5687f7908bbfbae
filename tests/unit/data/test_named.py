"""The bundled data set, and the ones that come from a folder."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest

from edgetool.data.load import load_dataset
from edgetool.data.named import NAMED_DATA, load_named
from edgetool.errors import MissingFileError


def test_digits_are_images_of_ten_classes() -> None:
    digits = load_dataset("digits")
    assert digits.train is not None and digits.val is not None and digits.test is not None
    sizes = [split.num_samples for split in (digits.train, digits.val, digits.test)]
    assert sum(sizes) == 1797 and sizes == [1211, 136, 450]
    images = digits.test.inputs[0]
    assert images.shape[1:] == (32, 32, 3) and images.dtype == np.uint8
    assert images.min() == 0 and images.max() == 255
    assert digits.test.labels is not None and np.bincount(digits.test.labels).min() >= 43
    assert len(digits.class_names) == 10


def test_digits_are_the_same_every_time() -> None:
    assert load_named("digits").digest == load_named("digits").digest


def test_digits_splits_share_no_image() -> None:
    digits = load_dataset("digits")
    seen = [
        {image.tobytes() for image in split.inputs[0]} for split in (digits.train, digits.val, digits.test) if split
    ]
    assert not seen[0] & seen[2] and not seen[1] & seen[2] and not seen[0] & seen[1]


def test_jpegs_need_the_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EDGETOOL_DATA", str(tmp_path))
    with pytest.raises(MissingFileError, match="set EDGETOOL_DATA"):
        load_dataset("cifar10-jpeg")


def test_every_name_says_what_it_is() -> None:
    assert {"digits", "cifar10", "cifar10-jpeg"} <= set(NAMED_DATA)
    for what, place in NAMED_DATA.values():
        module, _, function = place.partition(":")
        assert what and callable(getattr(importlib.import_module(module), function))


def test_real_cifar_files(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGETOOL_DATA", str(shared_data))
    lossless = load_dataset("cifar10")
    assert lossless.test is not None and lossless.test.inputs[0].shape == (825, 32, 32, 3)
    assert lossless.train is not None and lossless.val is not None
    assert lossless.train.num_samples + lossless.val.num_samples == 8068
