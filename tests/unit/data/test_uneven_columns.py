"""Columns that one integer scale leaves too few steps."""

from __future__ import annotations

import numpy as np

from edgetool.data.dataset import Split
from edgetool.data.uneven_columns import uneven_columns

RANDOM = np.random.default_rng(0)


def table(*sizes: float) -> Split:
    columns = [RANDOM.uniform(0.0, size, (200, 1)) for size in sizes]
    return Split("train", (np.concatenate(columns, axis=1).astype(np.float32),))


def test_a_small_column_beside_a_large_one_is_found() -> None:
    assert uneven_columns(table(2000.0, 0.05, 900.0, 1.0), 8) == {0: [1, 3]}
    assert uneven_columns(table(2000.0, 0.05, 900.0, 1.0), 16) == {0: [1]}


def test_columns_of_like_size_and_constant_ones_are_left() -> None:
    split = table(1.0, 0.5, 0.2, 0.0)
    assert uneven_columns(split, 8) == {}


def test_pictures_are_judged_by_channel_and_integers_not_at_all() -> None:
    images = RANDOM.uniform(0, 255, (10, 8, 8, 3)).astype(np.float32)
    ids = np.arange(20).reshape(10, 2)
    assert uneven_columns(Split("train", (ids, images)), 8) == {}
    images[..., 2] /= 1000.0
    assert uneven_columns(Split("train", (ids, images)), 8) == {1: [2]}
