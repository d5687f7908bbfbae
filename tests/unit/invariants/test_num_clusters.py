"""Numbers of distinct values."""

from __future__ import annotations

import numpy as np
import pytest

from edgetool.invariants import Cut, Measured, NumClusters, num_unique
from edgetool.records import INT8

KERNEL = np.array([[0.0, 1.0], [0.0, 2.0]])


@pytest.mark.parametrize(("num", "holds"), [(3, True), (2, False)])
def test_distinct_values_are_counted(num: int, holds: bool) -> None:
    assert NumClusters("a", num, (2, 2)).measure(KERNEL) == Measured(3.0, holds)


def test_weights_go_to_the_nearest_of_the_commonest_values() -> None:
    kernel = np.array([[0.0, 0.0, 1.0], [1.0, 0.9, 0.2]])
    projected = NumClusters("a", 2, (2, 3)).project(kernel)
    np.testing.assert_array_equal(projected, [[0.0, 0.0, 1.0], [1.0, 1.0, 0.0]])
    np.testing.assert_array_equal(NumClusters("a", 4, (2, 3)).project(kernel), kernel)


def test_it_stays_through_any_cut() -> None:
    kernel = np.random.default_rng(0).integers(0, 5, (8, 6)).astype(np.float32)
    invariant = NumClusters("a", num_unique(kernel), kernel.shape)
    followed = invariant.follow(Cut((0, 3, 5), (1, 2), (3, 2)))
    assert followed.kernel_shape == (3, 2)
    assert followed.measure(kernel[np.ix_([0, 3, 5], [1, 2])]).holds


def test_words_and_what_is_asked_of_a_format() -> None:
    invariant = NumClusters("a", 32, (2, 2))
    assert (invariant.describe(), invariant.describe_found(41.0)) == ("at most 32 unique values", "41 unique values")
    assert invariant.show_expected() == "32"
    assert invariant.ask_of(INT8).palette == 32
