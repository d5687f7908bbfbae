"""k-means in one dimension."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edgetool.passes.centroids import assign, refine


def test_refining_finds_the_groups() -> None:
    random = np.random.default_rng(0)
    middles = np.array([-3.0, -1.0, 0.5, 2.0])
    weights = (middles[random.integers(0, 4, 4000)] + random.normal(0, 0.05, 4000)).astype(np.float32).reshape(40, 100)
    found = refine(weights, np.array([-4.0, -0.5, 0.0, 1.0], np.float32))
    np.testing.assert_allclose(found, middles, atol=0.02)


def test_refining_never_makes_the_error_larger() -> None:
    weights = np.random.default_rng(1).normal(size=5000).astype(np.float32)
    start = np.linspace(-3, 3, 16).astype(np.float32)
    refined = refine(weights, start)

    def error(centroids: np.ndarray) -> float:
        return float(np.mean((weights - centroids[assign(weights, centroids)]) ** 2))

    assert error(refined) < error(start)


def test_zeros_keep_a_centroid_of_their_own() -> None:
    random = np.random.default_rng(2)
    weights = random.normal(size=1000).astype(np.float32)
    weights[random.random(1000) < 0.8] = 0
    centroids = refine(weights, np.linspace(-2, 2, 9).astype(np.float32), fixed_zero=True)
    clustered = centroids[assign(weights, centroids)]
    assert np.array_equal(clustered == 0, weights == 0)
    assert len(centroids) <= 9 and (centroids == 0).sum() == 1


@given(st.lists(st.floats(-10, 10, width=32), min_size=1, max_size=60), st.integers(2, 8))
def test_each_weight_gets_its_nearest_centroid(values: list[float], count: int) -> None:
    weights = np.array(values, np.float32)
    weights = weights[weights != 0] if (weights != 0).any() else np.ones(1, np.float32)
    centroids = np.unique(np.linspace(-9, 9, count).astype(np.float32))
    centroids = centroids[centroids != 0]
    chosen = np.abs(weights - centroids[assign(weights, centroids)])
    best = np.abs(weights[:, None] - centroids).min(axis=1)
    np.testing.assert_allclose(chosen, best, rtol=1e-6, atol=1e-6)
