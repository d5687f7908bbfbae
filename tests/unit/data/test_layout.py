"""Data are channels last; models that take channels first get them turned."""

from __future__ import annotations

import numpy as np
import pytest

from edgetool.data.dataset import Dataset, Split
from edgetool.data.layout import as_data, channels_first, move_channels

IMAGES = np.arange(2 * 4 * 5 * 3, dtype=np.float32).reshape(2, 4, 5, 3)


def data(*arrays: np.ndarray) -> Dataset:
    return Dataset("d", None, Split("val", arrays), Split("test", arrays))


@pytest.mark.parametrize(
    ("shape", "turned"),
    [
        ((-1, 3, 4, 5), (0,)),
        ((1, 3, 4, 5), (0,)),
        ((-1, 4, 5, 3), ()),  # as the data are
        ((-1, 3, 5, 4), ()),  # neither: the check of shapes says so
        ((-1, 60), ()),
    ],
)
def test_only_what_fits_no_other_way_is_turned(shape: tuple[int, ...], turned: tuple[int, ...]) -> None:
    assert channels_first(data(IMAGES), [shape]) == turned


def test_data_that_fit_both_ways_stay() -> None:
    assert channels_first(data(np.zeros((2, 3, 3, 3))), [(-1, 3, 3, 3)]) == ()


def test_each_input_is_looked_at_by_itself() -> None:
    series = np.zeros((2, 7, 2))
    assert channels_first(data(IMAGES, series), [(-1, 4, 5, 3), (-1, 2, 7)]) == (1,)
    assert channels_first(data(IMAGES), [(-1, 3, 4, 5), (-1, 2, 7)]) == ()


def test_channels_are_moved_in_every_split_and_it_is_said() -> None:
    moved = move_channels(data(IMAGES), (0,))
    assert moved.val is not None and moved.test is not None and moved.train is None
    for split in (moved.val, moved.test):
        assert split.inputs[0].shape == (2, 3, 4, 5)
        assert np.array_equal(split.inputs[0][:, 1], IMAGES[..., 1])
    assert "input 0" in moved.facts["layout"]
    assert move_channels(data(IMAGES), ()).facts == {}


def test_shapes_are_told_as_the_data_have_them() -> None:
    assert as_data((-1, 3, 4, 5), True) == (-1, 4, 5, 3)
    assert as_data((-1, 4, 5, 3), False) == (-1, 4, 5, 3)
