"""Augmentations: seeded, of the same shape, and what each is for."""

from __future__ import annotations

import numpy as np
import pytest

from edgetool.data.augment import AUGMENTATIONS, augment, require_augmentable
from edgetool.data.dataset import Array
from edgetool.errors import DataError

IMAGES = np.random.default_rng(1).random((64, 12, 10, 3), dtype=np.float32) + 0.5
WAVES = np.random.default_rng(2).random((16, 50, 2), dtype=np.float32) + 0.5


def run(name: str, batch: Array, seed: int = 0) -> Array:
    return augment(batch, [name], np.random.default_rng(seed))


@pytest.mark.parametrize("name", sorted(AUGMENTATIONS))
def test_the_seed_decides_and_the_batch_stays_as_it_was(name: str) -> None:
    batch = WAVES if name == "time_shift" else IMAGES
    before = batch.copy()
    changed = run(name, batch)
    assert changed.shape == batch.shape and changed.dtype == np.float32
    np.testing.assert_array_equal(batch, before)
    np.testing.assert_array_equal(changed, run(name, batch))
    assert not np.array_equal(changed, batch) and not np.array_equal(changed, run(name, batch, seed=1))


def test_flip_mirrors_some_images_and_leaves_the_others() -> None:
    flipped = run("flip", IMAGES)
    mirrored = [np.array_equal(a, b[:, ::-1]) for a, b in zip(flipped, IMAGES, strict=True)]
    same = [np.array_equal(a, b) for a, b in zip(flipped, IMAGES, strict=True)]
    assert all(a != b for a, b in zip(mirrored, same, strict=True))
    assert 20 < sum(mirrored) < 44


@pytest.mark.parametrize(("name", "largest"), [("crop4", (4, 4)), ("shift", (1, 1))])
def test_crops_and_shifts_move_each_image_by_its_own_distance(name: str, largest: tuple[int, int]) -> None:
    moved = run(name, IMAGES)
    padded = np.pad(IMAGES, ((0, 0), (largest[0],) * 2, (largest[1],) * 2, (0, 0)))
    found = set()
    for image, source in zip(moved, padded, strict=True):
        places = [
            (top, left)
            for top in range(2 * largest[0] + 1)
            for left in range(2 * largest[1] + 1)
            if np.array_equal(image, source[top : top + 12, left : left + 10])
        ]
        assert len(places) == 1
        found.add(places[0])
    assert len(found) > 5


def test_cutout_blanks_a_square_of_at_most_half_the_side() -> None:
    blank = (run("cutout", IMAGES) == 0).all(axis=-1)
    assert all(1 <= image.any(axis=1).sum() <= 6 and 1 <= image.any(axis=0).sum() <= 6 for image in blank)
    assert blank.any(axis=(1, 2)).all()


def test_time_shift_moves_all_channels_alike_and_fills_with_zeros() -> None:
    moved = run("time_shift", WAVES)
    padded = np.pad(WAVES, ((0, 0), (5, 5), (0, 0)))
    for wave, source in zip(moved, padded, strict=True):
        assert any(np.array_equal(wave, source[start : start + 50]) for start in range(11))


def test_noise_has_the_stated_spread() -> None:
    assert (run("noise", IMAGES) - IMAGES).std() == pytest.approx(0.05, rel=0.05)


def test_several_are_applied_in_order() -> None:
    random = np.random.default_rng(3)
    by_hand = augment(augment(IMAGES, ["flip"], random), ["crop4"], random)
    np.testing.assert_array_equal(augment(IMAGES, ["flip", "crop4"], np.random.default_rng(3)), by_hand)


@pytest.mark.parametrize(
    ("name", "shape", "dtype"),
    [
        ("flip", (-1, 6), "float32"),
        ("cutout", (-1, 16000, 1), "float32"),
        ("time_shift", (-1, 6), "float32"),
        ("noise", (-1, 6), "int32"),
    ],
)
def test_what_makes_no_sense_for_the_input_is_refused(name: str, shape: tuple[int, ...], dtype: str) -> None:
    with pytest.raises(DataError, match=f"augmentation '{name}'"):
        require_augmentable([name], shape, dtype)


def test_what_makes_sense_is_not() -> None:
    require_augmentable(["flip", "crop4", "shift", "cutout", "noise"], (-1, 32, 32, 3), "float32")
    require_augmentable(["time_shift", "noise"], (-1, 16000, 1), "float32")
