"""Shares of zeros."""

from __future__ import annotations

import numpy as np
import pytest

from edgetool.invariants import Cut, Measured, Sparsity, sparsity
from edgetool.records import FLOAT32

KERNEL = np.array([[0.0, 1.0], [0.0, 2.0]])


@pytest.mark.parametrize(("share", "holds"), [(0.5, True), (0.75, True), (0.8, False)])
def test_one_weight_may_be_too_many(share: float, holds: bool) -> None:
    assert Sparsity("a", share, (2, 2)).measure(KERNEL) == Measured(0.5, holds)


def test_the_smallest_weights_become_zero() -> None:
    kernel = np.random.default_rng(0).normal(size=(10, 10))
    invariant = Sparsity("a", 0.8, (10, 10))
    projected = invariant.project(kernel)
    assert sparsity(projected) == 0.8 and not np.shares_memory(projected, kernel)
    assert np.abs(projected[projected != 0]).min() >= np.sort(np.abs(kernel).ravel())[80]
    np.testing.assert_array_equal(invariant.project(projected), projected)


def test_a_cut_ends_it() -> None:
    assert Sparsity("a", 0.5, (2, 2)).follow(Cut((1,), None, (1, 2))) is None


def test_words_and_what_is_asked_of_a_format() -> None:
    invariant = Sparsity("a", 0.8, (2, 2))
    assert (invariant.describe(), invariant.describe_found(0.5)) == ("at least 80.0% zeros", "50.0% zeros")
    assert (invariant.show_expected(), invariant.show(0.5)) == ("80.0 %", "50.0 %")
    assert invariant.ask_of(FLOAT32).zeros == 0.8
    assert sparsity(np.zeros(0)) == 0.0
