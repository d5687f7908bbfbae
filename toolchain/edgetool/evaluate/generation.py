"""How good and how varied generated digits are: a classifier of real digits judges them.

The score is that of Salimans et al. 2016 (Improved Techniques for Training GANs, section 4) with a judge for digits in
place of Inception: exp(E KL(p(y|x) || p(y))), from 1 (nothing recognised, or always the same digit) to 10 (each image
one clear digit, all digits alike often).
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from edgetool.data.dataset import Array, Split
from edgetool.data.sets.digits_latent import real_digits
from edgetool.data.split import split_in_two
from edgetool.errors import DataError
from edgetool.evaluate.score import BOOTSTRAP_SAMPLES, Score
from edgetool.records import GenerationRecord

__all__ = ["NUM_CLASSES", "inception_score", "judge_digits"]

NUM_CLASSES = 10

#: Side of the images that the judge knows.
JUDGE_SIZE = 8

#: Probabilities are held above it, so that logarithms are finite.
SMALLEST = 1e-12


def inception_score(outputs: Array) -> Score:
    """Return the score of generated images with its bootstrap standard error.

    Args:
        outputs: `[N, H, W, 1]` or `[N, H, W]`, 0 (paper) to 1 (ink); H and W are the same multiple of 8.

    Returns:
        The score; `per_class` is the share of images that the judge takes for each digit, `answers` that digit,
        `errors` each image's negative contribution to the mean divergence; `generation` says how varied the
        images are and how sure the judge is.

    Raises:
        DataError: outputs that are no such images.
    """
    probabilities = judge_digits(outputs)
    contributions = _divergences(probabilities)
    answers = probabilities.argmax(axis=1)
    shares = np.bincount(answers, minlength=NUM_CLASSES) / len(answers)
    entropy = float(sum(-share * math.log(share) for share in shares if share > 0.0))
    random = np.random.default_rng(0)
    resampled = [
        math.exp(float(_divergences(probabilities[random.integers(0, len(answers), len(answers))]).mean()))
        for _ in range(BOOTSTRAP_SAMPLES)
    ]
    return Score(
        math.exp(float(contributions.mean())),
        float(np.std(resampled, ddof=1)),
        f"bootstrap, {BOOTSTRAP_SAMPLES} resamples, seed 0",
        per_class=tuple(float(share) for share in shares),
        answers=answers,
        errors=-contributions,
        generation=GenerationRecord(
            num_present=int((shares > 0.0).sum()),
            num_classes=NUM_CLASSES,
            rarest_share=float(shares.min()),
            entropy_nats=entropy,
            mean_confidence=float(probabilities.max(axis=1).mean()),
        ),
    )


def judge_digits(images: Array) -> Array:
    """Return the judge's probabilities of the ten digits, `[N, 10]`.

    Args:
        images: `[N, H, W, 1]` or `[N, H, W]`, 0..1; reduced to 8x8 by the mean of blocks.

    Raises:
        DataError: other shapes.
    """
    square = (images[..., 0] if images.ndim == 4 and images.shape[-1] == 1 else images).astype(np.float64)
    if square.ndim != 3 or square.shape[1] != square.shape[2] or square.shape[1] % JUDGE_SIZE:
        raise DataError(
            "inception_score",
            found=f"outputs of shape {list(images.shape)}",
            expected=f"grey square images, [N, H, H, 1], H a multiple of {JUDGE_SIZE}",
            next_step="the judge knows handwritten digits only; choose another --metric",
        )
    factor = square.shape[1] // JUDGE_SIZE
    small = square.reshape(len(square), JUDGE_SIZE, factor, JUDGE_SIZE, factor).mean(axis=(2, 4))
    probabilities = _judge().predict_proba(np.clip(small, 0.0, 1.0).reshape(len(small), -1))
    return np.asarray(probabilities, np.float64)


@functools.lru_cache(maxsize=1)
def _judge() -> Any:
    """Return the classifier, trained on the training split of scikit-learn's digits.

    Logistic regression on 300 random features of a Gaussian kernel (Williams and Seeger 2001); its two constants are
    those with the least log loss of twelve in five-fold cross-validation on that split, so that it is sure where it can
    be and not elsewhere. On the test split it names 98 % of the digits right.
    """
    from sklearn.kernel_approximation import Nystroem
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    images, labels = real_digits()
    train, _ = split_in_two(Split("all", (images / 16.0,), labels), fraction=0.25)
    classifier = make_pipeline(
        Nystroem(gamma=0.2, n_components=300, random_state=0), LogisticRegression(C=300.0, max_iter=500)
    )
    return classifier.fit(train.inputs[0].reshape(train.num_samples, -1), train.labels)


def _divergences(probabilities: Array) -> Array:
    """Return KL(p(y|x) || p(y)) in nats of every image, `[N]`."""
    held = np.maximum(probabilities, SMALLEST)
    marginal = np.maximum(probabilities.mean(axis=0), SMALLEST)
    return np.asarray((probabilities * (np.log(held) - np.log(marginal))).sum(axis=1))
