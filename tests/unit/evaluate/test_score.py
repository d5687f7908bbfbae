"""The variance of an AUC from the places of its samples, against the definition."""

from __future__ import annotations

import numpy as np
import pytest

from edgetool.evaluate.score import Placements


def test_the_variance_is_that_of_both_means() -> None:
    positives, negatives = np.array([0.5, 1.0, 0.75]), np.array([0.0, 0.5])
    expected = positives.var(ddof=1) / 3 + negatives.var(ddof=1) / 2
    assert Placements(positives, negatives).variance() == pytest.approx(expected)


def test_a_single_sample_has_no_spread() -> None:
    assert Placements(np.array([1.0]), np.array([0.25])).variance() == 0.0
