"""Least squares of a last layer: right by NumPy's own, zeros stay, and what is not better is left alone."""

from __future__ import annotations

import numpy as np
import pytest

from edgetool.passes.refit import LinearFit, solve_linear

RANDOM = np.random.default_rng(0)
FEATURES = RANDOM.normal(5.0, 1.0, size=(400, 12)).astype(np.float32)
KERNEL = RANDOM.normal(size=(12, 3)).astype(np.float32)
TARGETS = (FEATURES @ KERNEL + np.float32(300.0)).astype(np.float32)
NOTHING = LinearFit(np.zeros((12, 3), np.float32), np.zeros(3, np.float32))
ALL = np.ones((12, 3), bool)


def _error(fit: LinearFit, features: np.ndarray, targets: np.ndarray) -> float:
    return float(((features @ fit.kernel + fit.bias - targets) ** 2).mean())


def test_it_is_the_least_squares_solution() -> None:
    noisy = TARGETS + RANDOM.normal(size=TARGETS.shape).astype(np.float32)
    fit = solve_linear(FEATURES, noisy, NOTHING, ALL)
    assert fit is not None
    with_one = np.concatenate([FEATURES, np.ones((400, 1))], axis=1).astype(np.float64)
    best, *_ = np.linalg.lstsq(with_one, noisy.astype(np.float64), rcond=None)
    least = float(((with_one @ best - noisy) ** 2).mean())
    assert least <= _error(fit, FEATURES, noisy) <= 1.05 * least


def test_zeros_stay_zeros_and_the_others_are_the_best_without_them() -> None:
    kept = RANDOM.random((12, 3)) < 0.5
    fit = solve_linear(FEATURES, TARGETS, NOTHING, kept)
    assert fit is not None and not fit.kernel[~kept].any()
    for column in range(3):
        with_one = np.concatenate([FEATURES[:, kept[:, column]], np.ones((400, 1))], axis=1).astype(np.float64)
        best, *_ = np.linalg.lstsq(with_one, TARGETS[:, column].astype(np.float64), rcond=None)
        least = float(((with_one @ best - TARGETS[:, column]) ** 2).mean())
        found = FEATURES @ fit.kernel[:, column] + fit.bias[column] - TARGETS[:, column]
        assert 0.999 * least <= float((found**2).mean()) <= 1.1 * least


def test_a_layer_that_nothing_improves_is_left_alone() -> None:
    right = LinearFit(KERNEL, np.full(3, 300.0, np.float32))
    exact = FEATURES.astype(np.float64) @ KERNEL + 300.0
    assert solve_linear(FEATURES, exact, right, ALL) is None


@pytest.mark.parametrize("rows", [32, 60])
def test_fewer_samples_than_features_are_not_learned_by_heart(rows: int) -> None:
    features = RANDOM.normal(size=(rows, 200)).astype(np.float32)
    unseen = RANDOM.normal(size=(500, 200)).astype(np.float32)
    kernel = RANDOM.normal(size=(200, 1)).astype(np.float32)
    start = LinearFit(kernel, np.zeros(1, np.float32))
    noisy = features @ kernel + RANDOM.normal(size=(rows, 1)).astype(np.float32)
    fit = solve_linear(features, noisy, start, np.ones((200, 1), bool)) or start
    assert _error(fit, unseen, unseen @ kernel) < 3.0  # the variance of the targets is 200


def test_constant_features_move_the_bias_alone() -> None:
    features = np.ones((64, 4), np.float32)
    fit = solve_linear(features, TARGETS[:64], LinearFit(KERNEL[:4], np.zeros(3, np.float32)), np.ones((4, 3), bool))
    assert fit is not None
    np.testing.assert_array_equal(fit.kernel, KERNEL[:4])
    np.testing.assert_allclose(features @ fit.kernel + fit.bias, TARGETS[:64].mean(axis=0)[None].repeat(64, 0), 1e-5)
