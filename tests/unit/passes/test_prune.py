"""The threshold of magnitude pruning."""

from __future__ import annotations

import numpy as np
import pytest

from edgetool.passes.prune import _mask, _threshold


@pytest.mark.parametrize("share", [0.0, 0.4, 0.5, 0.8, 0.999, 1.0])
def test_the_mask_is_that_of_tf_mot(share: float) -> None:
    """TF-MOT sorts all magnitudes, keeps `round(size * (1 - share))` of them and at least one."""
    weights = np.random.default_rng(0).normal(size=(30, 40)).astype(np.float32)
    kept = max(1, round(weights.size * (1 - share)))
    expected = np.sort(np.abs(weights), axis=None)[::-1][kept - 1]
    found = _threshold(weights, share)
    assert found == expected and found.dtype == weights.dtype
    assert np.count_nonzero(np.abs(weights) >= found) == kept


def test_weights_that_are_zero_already_count_as_pruned() -> None:
    assert _threshold(np.array([0, 0, 0, 1, -2], np.float32), 0.6) == 1


@pytest.mark.parametrize("nonzero", [0, 1, 7])
def test_of_equal_weights_the_last_mask_keeps_no_more_than_its_share(nonzero: int) -> None:
    weights = np.zeros((4, 5), np.float32)
    weights.reshape(-1)[-nonzero:][:nonzero] = np.arange(1, nonzero + 1)
    _, growing = _mask(weights, 0.6, is_final=False)
    assert growing.all() and growing.dtype == weights.dtype
    _, final = _mask(weights, 0.6, is_final=True)
    assert final.shape == weights.shape and np.count_nonzero(final) == 8
    assert final[weights != 0].all(), "of the zeros some go, and of the others none"
