"""Kernels that are not wholly zero."""

from __future__ import annotations

import numpy as np

from edgetool.invariants import Cut, Measured, Nonzero

INVARIANT = Nonzero("a", (2, 2))


def test_weights_are_counted_and_must_be_finite() -> None:
    assert INVARIANT.measure(np.array([[0, 1], [2, 0]])) == Measured(2.0, holds=True)
    assert INVARIANT.measure(np.zeros((2, 2))) == Measured(0.0, holds=False)
    assert INVARIANT.measure(np.array([[np.nan, 1.0]])) == Measured(-1.0, holds=False)


def test_nothing_is_made_up() -> None:
    zeros = np.zeros((2, 2))
    projected = INVARIANT.project(zeros)
    assert not projected.any() and projected is not zeros


def test_it_is_measured_again_after_a_cut() -> None:
    assert INVARIANT.follow(Cut((0,), None, (1, 2))) == Nonzero("a", (1, 2))


def test_words() -> None:
    assert INVARIANT.describe() == "finite values that are not all zero"
    assert [INVARIANT.describe_found(value) for value in (0.0, -1.0)] == ["only zeros", "NaN or infinity"]
