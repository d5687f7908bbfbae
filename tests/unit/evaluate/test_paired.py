"""Paired comparisons against hand counts and SciPy."""

from __future__ import annotations

import math

import numpy as np
import pytest

from edgetool.errors import DataError
from edgetool.evaluate.metrics import score
from edgetool.evaluate.paired import compare_scores, mcnemar_p
from edgetool.evaluate.score import Score


def _outputs(named: list[int], num_classes: int = 3) -> np.ndarray:
    return np.eye(num_classes)[named]


def test_changed_fixed_and_broken_answers() -> None:
    truth = np.array([0, 1, 2, 0, 1])
    before = score("accuracy", _outputs([0, 1, 0, 1, 2]), truth)  # right, right, wrong, wrong, wrong
    after = score("accuracy", _outputs([0, 2, 2, 2, 2]), truth)  # right, broken, fixed, changed, same
    found = compare_scores("source", before, after)
    assert (found.num_changed, found.num_fixed, found.num_broken, found.num_samples) == (3, 1, 1, 5)
    assert found.mcnemar_p == 1.0
    assert found.mean_difference == 0.0
    assert found.difference_standard_error == pytest.approx(math.sqrt(2 / 5 / 5))


@pytest.mark.parametrize(
    ("fixed", "broken", "expected"),
    # Two-sided exact binomial: 2 * sum_{k <= min} C(n, k) / 2^n, at most 1.
    [(0, 0, 1.0), (0, 5, 2 / 32), (1, 9, 2 * 11 / 1024), (4, 4, 1.0), (10, 2, 2 * 79 / 4096)],
)
def test_mcnemar_is_exact(fixed: int, broken: int, expected: float) -> None:
    assert mcnemar_p(fixed, broken) == pytest.approx(expected)
    assert mcnemar_p(broken, fixed) == pytest.approx(expected)


def test_mcnemar_agrees_with_scipy_on_many_changes() -> None:
    from scipy.stats import binomtest

    assert mcnemar_p(620, 530) == pytest.approx(binomtest(620, 1150).pvalue, rel=1e-9)


def test_the_difference_has_the_error_of_paired_values() -> None:
    random = np.random.default_rng(0)
    truth = random.integers(0, 2, 300)
    before = np.where(random.random(300) < 0.9, truth, 1 - truth)
    after = np.where(random.random(300) < 0.8, truth, 1 - truth)
    found = compare_scores(
        "source",
        score("accuracy", _outputs(before.tolist(), 2), truth),
        score("accuracy", _outputs(after.tolist(), 2), truth),
    )
    values = (after == truth).astype(float) - (before == truth)
    assert found.mean_difference == pytest.approx(values.mean())
    assert found.difference_standard_error == pytest.approx(values.std() / math.sqrt(300))


def test_top5_is_fixed_and_broken_by_its_own_rule() -> None:
    scores = np.tile(np.arange(10.0), (2, 1))
    moved = scores.copy()
    moved[0, 0] = 8.5  # the first answer stays, class 0 enters the best five
    truth = np.array([0, 9])
    found = compare_scores("source", score("top5", scores, truth), score("top5", moved, truth))
    assert (found.num_changed, found.num_fixed, found.num_broken) == (0, 1, 0)


def test_errors_are_compared_by_the_paired_t_test() -> None:
    from scipy.stats import ttest_rel

    random = np.random.default_rng(3)
    targets = random.normal(size=40)
    before = score("mae", targets + 0.1 * random.normal(size=40), targets)
    after = score("mae", targets + 0.3 * random.normal(size=40), targets)
    found = compare_scores("source", before, after)
    assert before.errors is not None and after.errors is not None
    assert found.difference_p == pytest.approx(ttest_rel(after.errors, before.errors).pvalue)
    assert found.mean_difference == pytest.approx(after.value - before.value)
    assert found.num_broken == int((after.errors > before.errors).sum())
    assert found.num_fixed + found.num_broken == found.num_changed == 40


def test_equal_errors_are_no_change() -> None:
    targets = np.arange(5.0)
    same = score("mse", targets + 1.0, targets)
    found = compare_scores("source", same, score("mse", targets + 1.0 + 1e-9, targets))
    assert (found.num_changed, found.mcnemar_p) == (0, 1.0)
    assert compare_scores("source", same, same).difference_p == 1.0


def test_generated_images_change_when_they_are_taken_for_another_class() -> None:
    def judged(classes: list[int], errors: list[float]) -> Score:
        return Score(2.0, 0.1, "judge", answers=np.array(classes), errors=np.array(errors))

    found = compare_scores("source", judged([1, 2, 3], [-1.0, -2.0, -1.0]), judged([1, 5, 3], [-1.5, -1.0, -1.0]))
    assert (found.num_changed, found.num_fixed, found.num_broken) == (1, 1, 1)
    assert found.test.startswith("paired t") and found.mean_difference == pytest.approx(0.5 / 3)


def test_areas_are_compared_by_delongs_test() -> None:
    random = np.random.default_rng(4)
    labels = np.array([0] * 40 + [1] * 30)
    good, bad = random.normal(labels * 2.0), random.normal(size=70)
    found = compare_scores("source", score("auc", good, labels), score("auc", bad, labels))
    assert found.mean_difference is not None and found.mean_difference < -0.2
    assert found.difference_p is not None and found.difference_p < 1e-3
    assert found.test.startswith("DeLong")
    same = compare_scores("source", score("auc", good, labels), score("auc", 3.0 * good + 1.0, labels))
    assert (same.mean_difference, same.difference_p) == (0.0, 1.0)


def test_other_samples_cannot_be_paired() -> None:
    with pytest.raises(DataError, match="2 samples"):
        compare_scores("source", score("accuracy", np.eye(3), np.arange(3)), score("accuracy", np.eye(2), np.arange(2)))
