"""Outputs are held against their own variation, not against their power."""

from __future__ import annotations

import math

import numpy as np
import pytest

from edgetool.verify.variation import compare_variation

VALUES = np.random.default_rng(0).normal([300.0, -1.0], [1.0, 0.1], size=(500, 2)).astype(np.float32)


def test_figures_are_those_of_numpy() -> None:
    found = VALUES + np.random.default_rng(1).normal(0.0, 0.3, VALUES.shape)
    variation = compare_variation(VALUES, found)
    assert variation is not None
    exact = VALUES.astype(np.float64)
    total = exact.var(axis=0, ddof=1).sum() * len(exact)
    assert variation.centred_db == pytest.approx(10 * math.log10(total / ((found - exact) ** 2).sum()))
    centred = [(array - array.mean(axis=0)).ravel() for array in (exact, found)]
    assert variation.correlation == pytest.approx(np.corrcoef(*centred)[0, 1])
    assert variation.share == pytest.approx(math.sqrt(total / (exact**2).sum()))


def test_saying_the_mean_is_zero_db_and_no_correlation() -> None:
    mean = np.tile(VALUES.mean(axis=0, dtype=np.float64), (len(VALUES), 1))
    variation = compare_variation(VALUES, mean)
    assert variation is not None
    assert variation.centred_db == pytest.approx(0.0, abs=0.02)
    assert variation.correlation == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize(
    "reference",
    [
        np.zeros((9, 2), np.float32),
        np.full((9, 2), 1e30, np.float32),
        np.full((9, 2), 3.0, np.float32) + np.float32(1e-6) * (np.arange(18).reshape(9, 2) % 2),
        np.ones((1, 2), np.float32),
        np.arange(9),
    ],
    ids=["zero", "constant", "roundings", "one sample", "codes"],
)
def test_what_does_not_vary_is_not_judged(reference: np.ndarray) -> None:
    assert compare_variation(reference, reference + 1) is None


def test_equal_outputs_have_a_finite_figure() -> None:
    variation = compare_variation(VALUES, VALUES)
    assert variation is not None
    assert (variation.centred_db, variation.correlation) == (200.0, pytest.approx(1.0))
