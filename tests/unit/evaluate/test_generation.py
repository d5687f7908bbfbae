"""The judge of generated digits: real ones score high, noise and repetition low; the score is its formula."""

from __future__ import annotations

import math

import numpy as np
import pytest

from edgetool.data.load import load_dataset
from edgetool.errors import DataError
from edgetool.evaluate import generation
from edgetool.evaluate.generation import inception_score, judge_digits
from edgetool.evaluate.metrics import score


@pytest.fixture(scope="module")
def real() -> tuple[np.ndarray, np.ndarray]:
    test = load_dataset("digits-16").test
    assert test is not None and test.labels is not None
    return test.inputs[0].astype(np.float32) / 255.0, test.labels


def test_the_judge_knows_digits_that_it_was_not_trained_on(real: tuple[np.ndarray, np.ndarray]) -> None:
    images, labels = real
    probabilities = judge_digits(images)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, rtol=1e-9)
    assert float((probabilities.argmax(axis=1) == labels).mean()) > 0.96


def test_real_digits_score_high_and_each_is_seen(real: tuple[np.ndarray, np.ndarray]) -> None:
    found = inception_score(real[0])
    assert 8.0 < found.value < 10.0 and 0.0 < found.standard_error < 0.3
    np.testing.assert_allclose(found.per_class, np.bincount(real[1], minlength=10) / 450, atol=0.02)
    assert found.generation is not None and (found.generation.num_present, found.generation.num_classes) == (10, 10)


def test_one_digit_again_and_again_scores_one(real: tuple[np.ndarray, np.ndarray]) -> None:
    found = inception_score(np.repeat(real[0][:1], 20, axis=0))
    assert found.value == pytest.approx(1.0) and found.standard_error == pytest.approx(0.0)
    assert found.generation is not None
    assert (found.generation.num_present, found.generation.rarest_share) == (1, 0.0)
    assert found.generation.entropy_nats == pytest.approx(0.0)


def test_noise_scores_far_below_digits(real: tuple[np.ndarray, np.ndarray]) -> None:
    noise = np.random.default_rng(0).uniform(size=(300, 16, 16, 1)).astype(np.float32)
    assert inception_score(noise).value < 0.5 * inception_score(real[0]).value


def test_the_score_is_the_exponential_of_the_mean_divergence(monkeypatch: pytest.MonkeyPatch) -> None:
    judged = np.full((4, 10), 0.02)
    judged[np.arange(4), [0, 1, 1, 2]] = 0.82
    monkeypatch.setattr(generation, "judge_digits", lambda _: judged)
    found = inception_score(np.zeros((4, 8, 8, 1)))
    mean = judged.mean(axis=0)
    wanted = math.exp(sum(float((row * np.log(row / mean)).sum()) for row in judged) / 4)
    assert found.value == pytest.approx(wanted, rel=1e-9)
    assert found.errors is not None and math.exp(-float(found.errors.mean())) == pytest.approx(wanted, rel=1e-9)
    assert found.answers is not None and list(found.answers) == [0, 1, 1, 2]
    np.testing.assert_allclose(found.per_class[:4], [0.25, 0.5, 0.25, 0.0])
    assert found.generation is not None and found.generation.mean_confidence == pytest.approx(0.82)


def test_the_metric_needs_no_labels(real: tuple[np.ndarray, np.ndarray]) -> None:
    images = real[0][:50]
    assert score("inception_score", images, np.zeros((50, 32))).value == inception_score(images).value


@pytest.mark.parametrize("shape", [(4, 10), (4, 16, 16, 3), (4, 16, 8, 1), (4, 12, 12, 1)])
def test_what_is_no_image_of_a_digit_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(DataError, match="grey square images"):
        inception_score(np.zeros(shape))
