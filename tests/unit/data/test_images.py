"""Image folders: a class a folder, splits, sizes, damaged and deep images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgetool.data.images import load_images
from edgetool.errors import DataError, FileFormatError


def _write(path: Path, value: int, size: tuple[int, int] = (6, 4), mode: str = "RGB") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, (size[1], size[0]), value if mode == "L" else (value, 0, 255 - value)).save(path)
    return path


def _folder(root: Path, count: int = 10, mode: str = "RGB") -> Path:
    for label, name in enumerate(("cat", "dog")):
        for index in range(count):
            _write(root / name / f"{index}.png", 10 * index + label, mode=mode)
    return root


def test_a_fifth_of_each_class_is_the_test_split(tmp_path: Path) -> None:
    loaded = load_images(_folder(tmp_path / "pets"), image_size=None)
    assert loaded.class_names == ("cat", "dog") and loaded.name == "pets"
    assert loaded.train is not None and loaded.test is not None and loaded.val is None
    assert loaded.test.inputs[0].shape == (4, 6, 4, 3) and loaded.test.inputs[0].dtype == np.uint8
    assert loaded.test.labels is not None and sorted(loaded.test.labels) == [0, 0, 1, 1]
    assert loaded.facts["test split"] == "a fifth of each class, seed 0"
    parity = loaded.train.inputs[0][:, 0, 0, 0] % 10  # the red channel's last digit is the label
    np.testing.assert_array_equal(parity, loaded.train.labels)


def test_named_splits_are_obeyed_and_hidden_folders_ignored(tmp_path: Path) -> None:
    _folder(tmp_path / "train", 3)
    _folder(tmp_path / "validation", 2)
    _folder(tmp_path / "test", 1)
    _write(tmp_path / "train" / ".thumbnails" / "a.png", 1)
    loaded = load_images(tmp_path, image_size=None)
    assert [s.num_samples for s in (loaded.train, loaded.val, loaded.test) if s is not None] == [6, 4, 2]
    assert loaded.class_names == ("cat", "dog")


def test_grey_images_have_one_channel(tmp_path: Path) -> None:
    loaded = load_images(_folder(tmp_path, mode="L"), image_size=(3, 5))
    assert loaded.train is not None and loaded.train.inputs[0].shape[1:] == (3, 5, 1)


def test_unlike_sizes_need_a_size(tmp_path: Path) -> None:
    _write(_folder(tmp_path) / "dog" / "large.png", 3, size=(12, 8))
    with pytest.raises(DataError, match=r"12x8 pixels, expected 6x4.*--image-size 6x4"):
        load_images(tmp_path, image_size=None)
    loaded = load_images(tmp_path, image_size=(6, 4))
    assert loaded.train is not None and loaded.train.inputs[0].shape[1:] == (6, 4, 3)


def test_a_damaged_image_is_named(tmp_path: Path) -> None:
    bad = _folder(tmp_path) / "cat" / "3.png"
    good = bad.read_bytes()
    random = np.random.default_rng(0)
    refused = 0
    for trial in range(60):
        content = bytearray(good)
        if trial % 2:
            content = content[: int(random.integers(len(content)))]
        else:
            content[int(random.integers(len(content)))] ^= 1 << int(random.integers(8))
        bad.write_bytes(bytes(content))
        try:
            load_images(tmp_path, image_size=(6, 4))
        except FileFormatError as exc:
            refused += 1
            assert "3.png" in exc.subject
    assert refused >= 30


def test_deep_images_are_refused(tmp_path: Path) -> None:
    _folder(tmp_path, mode="L")
    Image.fromarray(np.full((6, 4), 4000, np.uint16)).save(tmp_path / "cat" / "deep.png")
    with pytest.raises(DataError, match="more than 8 bits a channel"):
        load_images(tmp_path, image_size=None)


def test_no_classes_and_empty_classes(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="0 class folders"):
        load_images(tmp_path, image_size=None)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with pytest.raises(DataError, match="no images"):
        load_images(tmp_path, image_size=None)
