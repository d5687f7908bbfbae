"""Limits that pass honest exports and catch broken ones."""

from __future__ import annotations

import math

import numpy as np
import pytest

from edgetool.errors import ParityError
from edgetool.records import FLOAT16, FLOAT32, ParityRecord
from edgetool.verify.parity import (
    FLOAT,
    HALF,
    NOISE_INPUTS,
    QUANTIZED,
    RETRAINED,
    RUNTIMES,
    Tolerance,
    compare_outputs,
    require_parity,
    tolerance_for,
)


def _softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)


REFERENCE = _softmax(4.0 * np.random.default_rng(0).normal(size=(200, 10)))


def _compare(candidate: np.ndarray, reference: np.ndarray = REFERENCE, **changes: object) -> ParityRecord:
    options: dict = {
        "reference_name": "source",
        "artifact_name": "x.tflite",
        "kind": "float",
        "split": "val",
        "classes": True,
    }
    return compare_outputs((reference,), (candidate,), **{**options, **changes})


def test_rounding_passes_and_its_figures_are_right() -> None:
    candidate = REFERENCE.copy()
    candidate[7, 3] += 5e-5
    record = _compare(candidate)
    assert record.passed and record.reason == ""
    assert record.max_abs_error == pytest.approx(5e-5, rel=1e-2)
    assert (record.worst_output, record.worst_sample) == (0, 7)
    assert record.top1_agreement == 1.0
    noise = ((candidate.astype(float) - REFERENCE) ** 2).sum()
    assert record.sqnr_db[0] == pytest.approx(10 * math.log10((REFERENCE.astype(float) ** 2).sum() / noise))
    require_parity(record)


def test_a_larger_error_fails_and_names_where() -> None:
    candidate = REFERENCE.copy()
    candidate[7, 3] += 2e-4
    record = _compare(candidate)
    assert not record.passed
    with pytest.raises(ParityError, match=r"output 0, sample 7") as error:
        require_parity(record)
    assert error.value.exit_code == 41


def test_the_absolute_error_scales_with_each_outputs_own_magnitude() -> None:
    large, small = 1000.0 * REFERENCE, REFERENCE
    moved = small + np.float32(1e-3)
    options: dict = {
        "reference_name": "a",
        "artifact_name": "b",
        "kind": "float",
        "split": "val",
        "classes": False,
    }
    assert compare_outputs((large,), (large + np.float32(0.05),), **options).passed
    record = compare_outputs((large, small), (large, moved), **options)
    assert not record.passed
    assert "output 1" in record.reason and "output 0" not in record.reason
    assert record.worst_output == 1


def test_tiny_outputs_cannot_hide_below_the_absolute_limit() -> None:
    tiny = 1e-6 * REFERENCE
    record = _compare(tiny[::-1].copy(), tiny, classes=False)
    assert not record.passed
    assert "SQNR" in record.reason


def _quantized(values: np.ndarray, noise: float, seed: int = 1) -> np.ndarray:
    return _softmax(np.log(values + 1e-9) + noise * np.random.default_rng(seed).normal(size=values.shape))


def test_quantisation_noise_passes_and_wrong_layouts_fail() -> None:
    assert _compare(_quantized(REFERENCE, 0.3), kind="quantized").passed
    broken = _compare(np.roll(REFERENCE, 1, axis=1), kind="quantized")
    assert not broken.passed
    assert "SQNR" in broken.reason and "another class" in broken.reason


def test_half_precision_is_judged_by_its_own_limit() -> None:
    candidate = REFERENCE.astype(np.float16).astype(np.float32)
    assert not _compare(candidate).passed
    assert _compare(candidate, kind="quantized", tolerance=HALF).passed


def test_retrained_models_are_judged_by_agreement_or_without_classes_by_sqnr() -> None:
    sharper = _softmax(3.0 * np.log(REFERENCE + 1e-9))
    assert _compare(sharper, kind="quantized", tolerance=RETRAINED).passed
    other = REFERENCE[np.random.default_rng(5).permutation(200)]
    assert not _compare(other, kind="quantized", tolerance=RETRAINED).passed
    without = _compare(-REFERENCE, kind="quantized", tolerance=RETRAINED, classes=False)
    assert not without.passed
    assert "SQNR >= 0 dB" in without.limits and "agreement" not in without.limits


def test_a_handful_of_samples_may_differ_in_one() -> None:
    reference, candidate = np.eye(4)[[0, 1, 2, 3, 0]], np.eye(4)[[0, 1, 2, 3, 1]]
    limit = Tolerance(min_agreement=0.9)
    assert _compare(candidate, reference, tolerance=limit).passed
    two = np.eye(4)[[0, 1, 2, 0, 1]]
    assert not _compare(two, reference, tolerance=limit).passed


def test_one_output_for_two_classes_agrees_by_the_reference_threshold() -> None:
    reference, candidate = np.array([[-3.0], [0.2], [4.0]]), np.array([[0.1], [0.2], [0.9]])
    record = _compare(candidate, reference, tolerance=Tolerance(min_agreement=0.5))
    assert record.top1_agreement == pytest.approx(2 / 3)


def test_regression_has_no_agreement() -> None:
    assert _compare(REFERENCE, classes=False).top1_agreement is None


def test_equal_outputs_have_a_finite_sqnr() -> None:
    record = _compare(REFERENCE)
    assert record.sqnr_db == (200.0,)
    assert record.max_abs_error == 0.0


@pytest.mark.parametrize(("value", "word"), [(0.0, "zero"), (0.1, "one and the same")])
def test_a_dead_candidate_is_named(value: float, word: str) -> None:
    record = _compare(np.full_like(REFERENCE, value), tolerance=Tolerance())
    assert not record.passed
    assert word in record.reason


def test_a_reference_that_says_nothing_is_named() -> None:
    same = np.tile(REFERENCE[:1], (20, 1))
    record = _compare(same, same)
    assert not record.passed
    assert "source gives one and the same output" in record.reason
    assert "source gives zeros" in _compare(0 * same, 0 * same).reason
    assert _compare(same[:1], same[:1]).passed  # a single sample is always constant


def test_nan_on_either_side_is_an_error() -> None:
    bad = REFERENCE.copy()
    bad[5, 0] = np.nan
    with pytest.raises(ParityError, match=r"x\.tflite: output 0: NaN .* first sample 5"):
        _compare(bad)
    with pytest.raises(ParityError, match="source: output 0"):
        _compare(REFERENCE, bad)


@pytest.mark.parametrize("shape", [(200, 9), (199, 10), (200, 10, 1)])
def test_other_shapes_are_an_error(shape: tuple[int, ...]) -> None:
    with pytest.raises(ParityError, match="as source gives"):
        _compare(np.zeros(shape, np.float32))


def test_another_number_of_outputs_and_none_are_errors() -> None:
    options: dict = {"reference_name": "a", "artifact_name": "b", "kind": "float", "split": "val", "classes": False}
    with pytest.raises(ParityError):
        compare_outputs((REFERENCE,), (REFERENCE, REFERENCE), **options)
    with pytest.raises(ParityError, match="at least one value"):
        compare_outputs((), (), **options)
    with pytest.raises(ParityError, match="at least one value"):
        compare_outputs((REFERENCE[:0],), (REFERENCE[:0],), **options)


def test_integer_outputs_are_compared_without_wrapping() -> None:
    reference, candidate = np.array([[-128], [0]], np.int8), np.array([[127], [0]], np.int8)
    assert _compare(candidate, reference, classes=False).max_abs_error == 255.0


def test_the_limit_follows_how_weights_are_stored() -> None:
    assert tolerance_for("float") is FLOAT
    assert tolerance_for("quantized", weights=FLOAT16) is HALF
    assert tolerance_for("quantized") is QUANTIZED
    assert tolerance_for("runtimes") is RUNTIMES
    assert tolerance_for("runtimes", weights=FLOAT32) is FLOAT
    assert tolerance_for("quantized", retrained=True) is RETRAINED
    assert tolerance_for("runtimes", retrained=True) is RUNTIMES
    assert tolerance_for("quantized", noise_inputs=True) is NOISE_INPUTS


def test_every_stated_limit_is_in_the_records_words() -> None:
    words = Tolerance(1e-4, 10.0, 0.9).describe()
    assert "0.0001" in words and "10 dB" in words and "0.9" in words
    assert _compare(REFERENCE).limits == FLOAT.describe()


VALUES = np.random.default_rng(3).normal(3.0, 0.3, size=(400, 1)).astype(np.float32)


def _noisy(values: np.ndarray, share: float) -> np.ndarray:
    noise = np.random.default_rng(4).normal(size=values.shape) * values.std() * share
    return (values + noise).astype(np.float32)


@pytest.mark.parametrize("tolerance", [QUANTIZED, RUNTIMES, RETRAINED])
@pytest.mark.parametrize("position", [0, 1, 2])
def test_an_output_that_hardly_leaves_its_mean_is_not_ok(tolerance: Tolerance, position: int) -> None:
    near_mean = np.full_like(VALUES, VALUES.mean())
    near_mean[::2] += 1e-3  # not one and the same for every sample
    reference, candidate = [REFERENCE] * 3, [REFERENCE] * 3
    reference[position], candidate[position] = VALUES, near_mean
    options: dict = {"reference_name": "source", "artifact_name": "x", "kind": "quantized", "split": "val"}
    record = compare_outputs(reference, candidate, classes=position != 0, tolerance=tolerance, **options)
    assert record.sqnr_db[position] > 19.0  # by its power alone nothing is wrong
    assert not record.passed
    assert f"output {position} follows the reference with a correlation of" in record.reason
    assert "SQNR about the mean" in record.reason
    candidate[position] = _noisy(VALUES, 0.2)
    assert compare_outputs(reference, candidate, classes=position != 0, tolerance=tolerance, **options).passed


def test_a_class_head_that_gives_the_usual_answer_is_not_ok() -> None:
    rare = _softmax(np.where(np.arange(200)[:, None] % 20 == 0, [-3.0, 3.0], [3.0, -3.0]))
    usual = np.tile(rare[1:2], (200, 1)) + np.float32(0.01) * np.random.default_rng(0).random((200, 1), np.float32)
    record = _compare(usual, rare, kind="quantized", tolerance=RETRAINED)
    assert record.top1_agreement == pytest.approx(0.95)
    assert not record.passed and "correlation" in record.reason
    assert "correlation >= 0.5" in record.limits


def test_a_head_of_logits_may_grow_where_it_is_known_to_hold_classes() -> None:
    logits = np.log(REFERENCE + 1e-3)
    options: dict = {
        "reference_name": "source",
        "artifact_name": "x",
        "kind": "quantized",
        "split": "val",
        "classes": True,
        "tolerance": RETRAINED,
    }
    both = (REFERENCE, logits), (REFERENCE, 2.1 * logits)
    assert compare_outputs(*both, head_classes=(True,), **options).passed
    assert not compare_outputs(*both, **options).passed


@pytest.mark.parametrize("tolerance", [FLOAT, HALF, QUANTIZED, RUNTIMES, RETRAINED])
def test_a_constant_output_beside_others_is_compared_by_its_power(tolerance: Tolerance) -> None:
    constant = np.full((200, 3), 7.0, np.float32)
    options: dict = {"reference_name": "a", "artifact_name": "b", "kind": "quantized", "split": "val", "classes": True}
    pair = (REFERENCE, constant), (REFERENCE, constant + np.float32(1e-6))
    assert compare_outputs(*pair, tolerance=tolerance, **options).passed
    wrong = (REFERENCE, constant), (REFERENCE, -constant)
    assert not compare_outputs(*wrong, tolerance=tolerance, head_classes=(False,), **options).passed
