"""Two models on the same samples: how many answers changed, and whether the difference is more than chance."""

from __future__ import annotations

import math

import numpy as np

from edgetool.data.dataset import Array
from edgetool.store.manifest import PairedComparison

__all__ = ["compare_answers", "compare_errors", "mcnemar_p"]


def mcnemar_p(num_fixed: int, num_broken: int) -> float:
    """Return the two-sided exact p-value of McNemar's test: a binomial test of `num_fixed` of all changes at 1/2."""
    from scipy.stats import binomtest

    total = num_fixed + num_broken
    return 1.0 if total == 0 else float(binomtest(num_fixed, total, 0.5).pvalue)


def compare_answers(reference: str, reference_answers: Array, found_answers: Array, truth: Array) -> PairedComparison:
    """Compare class answers `[N]` of an artefact with those of `reference`."""
    before, after = reference_answers == truth, found_answers == truth
    fixed, broken = int((~before & after).sum()), int((before & ~after).sum())
    return PairedComparison(
        reference=reference,
        num_samples=len(truth),
        num_changed=int((reference_answers != found_answers).sum()),
        num_fixed=fixed,
        num_broken=broken,
        mcnemar_p=mcnemar_p(fixed, broken),
    )


def compare_errors(reference: str, reference_errors: Array, found_errors: Array) -> PairedComparison:
    """Compare per-sample errors `[N]`: fixed are samples with a smaller error, broken those with a larger one.

    The p-value is the sign test's, which is McNemar's on these counts. Differences below 1e-6 of the reference's mean
    error count as none.
    """
    difference = found_errors - reference_errors
    threshold = 1e-6 * max(float(np.mean(reference_errors)), math.ulp(1.0))
    fixed, broken = int((difference < -threshold).sum()), int((difference > threshold).sum())
    return PairedComparison(
        reference=reference,
        num_samples=len(difference),
        num_changed=fixed + broken,
        num_fixed=fixed,
        num_broken=broken,
        mcnemar_p=mcnemar_p(fixed, broken),
    )
