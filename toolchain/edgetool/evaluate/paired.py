"""Two models on the same samples: how many answers changed, and whether the difference is more than chance."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from edgetool.data.dataset import Array
from edgetool.errors import DataError
from edgetool.evaluate.score import Placements, Score
from edgetool.records import PairedComparison

__all__ = ["compare_scores", "mcnemar_p"]

#: Differences of a sample's error below this share of the reference's mean error are rounding, no change.
SAME_ERROR = 1e-6


def mcnemar_p(num_fixed: int, num_broken: int) -> float:
    """Return the two-sided exact p-value of McNemar's test: a binomial test of `num_fixed` of all changes at 1/2."""
    from scipy.special import bdtr  # scipy.stats would take a second to import

    return min(1.0, 2.0 * float(bdtr(min(num_fixed, num_broken), num_fixed + num_broken, 0.5)))


def compare_scores(reference_name: str, reference: Score, score: Score) -> PairedComparison:
    """Compare an artefact's score with the reference's, sample by sample.

    Metrics of answers: fixed and broken count right and wrong by the metric's own rule, and the difference is
    tested by McNemar's exact test. AUC: fixed samples rank better among those of the other class, broken ones worse,
    and the difference is tested by DeLong's test for two correlated areas. Metrics of errors: fixed samples have a
    smaller error, broken ones a larger; `mcnemar_p` is then the sign test's, and the mean difference is tested by the
    paired t test. Generated images have both, the class that a judge names and their part in the score: changed are
    those that it takes for another class, fixed and broken those whose part grew or shrank.

    Args:
        reference_name: The reference's name in the record.
        reference: The score of the model that is trusted.
        score: The score of the artefact, by the same metric.

    Raises:
        DataError: another number of samples.
    """
    before, after = _samples(reference), _samples(score)
    if before.shape != after.shape:
        raise DataError(
            "paired comparison",
            found=f"{len(after)} samples",
            expected=f"{len(before)}, as the reference has",
            next_step="run both on the same split",
        )
    if reference.placements is not None and score.placements is not None:
        return _compare_areas(reference_name, reference, score)
    if reference.correct is not None and score.correct is not None:
        return _compare_answers(reference_name, reference, score)
    assert reference.errors is not None and score.errors is not None
    compared = _compare_errors(reference_name, reference.errors, score.errors)
    if reference.answers is not None and score.answers is not None:
        return dataclasses.replace(compared, num_changed=int((reference.answers != score.answers).sum()))
    return compared


def _samples(score: Score) -> Array:
    array = score.answers if score.answers is not None else score.errors
    assert array is not None
    return array


def _compare_answers(name: str, reference: Score, score: Score) -> PairedComparison:
    assert reference.correct is not None and score.correct is not None
    assert reference.answers is not None and score.answers is not None
    fixed = int((~reference.correct & score.correct).sum())
    broken = int((reference.correct & ~score.correct).sum())
    num = len(score.correct)
    difference = (fixed - broken) / num
    p = mcnemar_p(fixed, broken)
    return PairedComparison(
        reference=name,
        num_samples=num,
        num_changed=int((reference.answers != score.answers).sum()),
        num_fixed=fixed,
        num_broken=broken,
        mcnemar_p=p,
        mean_difference=difference,
        # Variance of a mean of values -1, 0, 1.
        difference_standard_error=math.sqrt(max((fixed + broken) / num - difference**2, 0.0) / num),
        difference_p=p,
        test="McNemar, exact, two-sided",
    )


def _compare_areas(name: str, reference: Score, score: Score) -> PairedComparison:
    from scipy.special import ndtr

    assert reference.placements is not None and score.placements is not None
    assert reference.answers is not None and score.answers is not None
    shift = Placements(
        score.placements.positives - reference.placements.positives,
        score.placements.negatives - reference.placements.negatives,
    )
    difference, error = score.value - reference.value, math.sqrt(shift.variance())
    fixed, broken = (
        int(sum((sign * part > 0).sum() for part in (shift.positives, shift.negatives))) for sign in (1, -1)
    )
    return PairedComparison(
        reference=name,
        num_samples=len(score.answers),
        num_changed=int((reference.answers != score.answers).sum()),
        num_fixed=fixed,
        num_broken=broken,
        mcnemar_p=mcnemar_p(fixed, broken),
        mean_difference=difference,
        difference_standard_error=error,
        difference_p=float(2.0 * ndtr(-abs(difference) / error)) if error > 0.0 else float(difference == 0.0),
        test="DeLong, two-sided",
    )


def _compare_errors(name: str, before: Array, after: Array) -> PairedComparison:
    from scipy.special import stdtr

    difference = after - before
    threshold = SAME_ERROR * max(float(np.mean(before)), math.ulp(1.0))
    fixed, broken = int((difference < -threshold).sum()), int((difference > threshold).sum())
    num, mean = len(difference), float(difference.mean())
    error = float(difference.std(ddof=1)) / math.sqrt(num) if num > 1 else 0.0
    return PairedComparison(
        reference=name,
        num_samples=num,
        num_changed=fixed + broken,
        num_fixed=fixed,
        num_broken=broken,
        mcnemar_p=mcnemar_p(fixed, broken),
        mean_difference=mean,
        difference_standard_error=error,
        difference_p=float(2.0 * stdtr(num - 1, -abs(mean) / error)) if error > 0.0 else float(mean == 0.0),
        test="paired t, two-sided",
    )
