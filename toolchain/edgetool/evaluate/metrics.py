"""Task metrics on arrays, each with its standard error. Pure functions; no model runs here."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from edgetool.data.dataset import Array
from edgetool.errors import DataError, UsageError, nearest
from edgetool.evaluate.score import BOOTSTRAP_SAMPLES, Placements, Score

__all__ = ["METRICS", "answers", "score"]


def score(metric: str, outputs: Array, labels: Array, *, from_logits: bool | None = None) -> Score:
    """Return the metric of `outputs` against `labels`.

    Args:
        metric: a key of `METRICS`.
        outputs: `[N, C]` scores (logits or probabilities), `[N]` or `[N, 1]` for two classes, or predictions.
        labels: `[N]` class numbers or `[N, C]` one-hot; or targets shaped like the outputs.
        from_logits: of one output for two classes: whether the threshold is 0 (logit) or 0.5 (probability); None: see
            `answers`.

    Raises:
        DataError: NaN in the outputs, or shapes, counts or labels that do not fit.
        UsageError: an unknown metric.
    """
    if metric not in METRICS:
        raise UsageError(
            "--metric", found=repr(metric), expected="a known metric", next_step=nearest(metric, list(METRICS))
        )
    if len(outputs) != len(labels) or len(outputs) == 0:
        raise DataError(
            metric,
            found=f"{len(outputs)} outputs and {len(labels)} labels",
            expected="one label for each output, and at least one",
            next_step="save samples and labels of the same split together",
        )
    _require_finite(metric, outputs)
    return METRICS[metric](np.asarray(outputs, np.float64), np.asarray(labels), from_logits)


def answers(outputs: Array, *, from_logits: bool | None = None) -> Array:
    """Return the class `[N]` that each row of `outputs` names: arg-max, or a threshold for one column.

    Of equal scores the first class counts, as in NumPy and in TFLite's ARG_MAX.

    Args:
        outputs: `[N, C]`, `[N, 1]` or `[N]`.
        from_logits: threshold 0 if true, 0.5 if false; None: 0.5 when all values lie in 0..1, else 0.
    """
    flat = outputs.reshape(len(outputs), -1)
    if flat.shape[1] > 1:
        return np.asarray(flat.argmax(axis=1))
    if from_logits is None:
        from_logits = bool(flat.min() < 0.0 or flat.max() > 1.0)
    return np.asarray((flat[:, 0] > (0.0 if from_logits else 0.5)).astype(np.int64))


def _require_finite(metric: str, outputs: Array) -> None:
    finite = np.isfinite(outputs)
    if finite.all():
        return
    bad = ~finite.reshape(len(outputs), -1).all(axis=1)
    raise DataError(
        metric,
        found=f"NaN or infinite outputs for {int(bad.sum())} of {len(outputs)} samples, first sample {bad.argmax()}",
        expected="finite outputs",
        next_step="the model overflows in this format; try a recipe with wider activations",
    )


def _classes(labels: Array, width: int) -> Array:
    """Return class numbers `[N]` from class numbers or one-hot rows, checked against `width` scores a sample."""
    num_classes = max(width, 2)
    if labels.ndim == 2 and labels.shape[1] == num_classes:
        return np.asarray(labels.argmax(axis=1))
    if labels.size != len(labels):
        raise DataError(
            "labels",
            found=f"shape {list(labels.shape)}",
            expected=f"[N] class numbers, or [N, {num_classes}] one-hot",
            next_step="give one label for each sample",
        )
    flat = labels.reshape(len(labels))
    whole = flat.astype(np.int64)
    if not np.array_equal(whole, flat) or whole.min() < 0 or whole.max() >= num_classes:
        raise DataError(
            "labels",
            found=f"values from {flat.min():g} to {flat.max():g}",
            expected=f"class numbers 0..{num_classes - 1}, as many as the model has outputs",
            next_step="number the classes from 0, or choose a regression metric such as --metric mae",
        )
    return whole


def _scores_2d(metric: str, outputs: Array) -> Array:
    if outputs.ndim > 2 and outputs.size != len(outputs) * outputs.shape[-1]:
        raise DataError(
            metric,
            found=f"outputs of shape {list(outputs.shape)}",
            expected="[N, C] class scores",
            next_step="choose a metric for predictions, such as --metric mse",
        )
    return outputs.reshape(len(outputs), -1)


def _share(correct: Array, named: Array, per_class: tuple[float, ...] = ()) -> Score:
    p, n = float(correct.mean()), len(correct)
    error, method = math.sqrt(p * (1.0 - p) / n), "binomial, sqrt(p (1 - p) / n)"
    if p in (0.0, 1.0):  # the binomial formula would claim certainty
        error, method = 0.5 / (n + 1), "half width of Wilson's interval at z = 1"
    return Score(p, error, method, per_class, answers=named, correct=correct)


def _accuracy(outputs: Array, labels: Array, from_logits: bool | None) -> Score:
    flat = _scores_2d("accuracy", outputs)
    truth = _classes(labels, flat.shape[1])
    named = answers(flat, from_logits=from_logits)
    correct = named == truth
    per_class = tuple(
        float(correct[truth == label].mean()) if (truth == label).any() else math.nan
        for label in range(max(flat.shape[1], 2))
    )
    return _share(correct, named, per_class)


def _top5(outputs: Array, labels: Array, from_logits: bool | None) -> Score:
    flat = _scores_2d("top5", outputs)
    if flat.shape[1] <= 5:
        raise DataError(
            "top5",
            found=f"{flat.shape[1]} classes",
            expected="more than 5: else every answer is right",
            next_step="use --metric accuracy",
        )
    truth = _classes(labels, flat.shape[1])
    best = np.argsort(-flat, axis=1, kind="stable")[:, :5]
    return _share((best == truth[:, None]).any(axis=1), answers(flat, from_logits=from_logits))


def _auc(outputs: Array, labels: Array, from_logits: bool | None) -> Score:
    from sklearn.metrics import roc_auc_score

    flat = _scores_2d("auc", outputs)
    if flat.shape[1] > 2:
        raise DataError(
            "auc", found=f"{flat.shape[1]} classes", expected="two classes", next_step="use --metric accuracy"
        )
    truth = _classes(labels, flat.shape[1])
    if len(np.unique(truth)) != 2:
        raise DataError(
            "auc", found=f"only class {truth[0]}", expected="samples of both classes", next_step="use other samples"
        )
    scores = flat[:, 0] if flat.shape[1] == 1 else flat[:, 1] - flat[:, 0]
    placements = _placements(truth, scores)
    return Score(
        float(roc_auc_score(truth, scores)),
        math.sqrt(placements.variance()),
        "DeLong 1988",
        answers=answers(flat, from_logits=from_logits),
        placements=placements,
        truth=truth,
    )


def _placements(truth: Array, scores: Array) -> Placements:
    """Find placements by midranks (Sun and Xu, IEEE Signal Processing Letters 21(11), 2014): O(N log N)."""
    from scipy.stats import rankdata

    positive = truth == 1
    ranks = rankdata(scores)
    num_positives, num_negatives = int(positive.sum()), int((~positive).sum())
    below = (ranks[positive] - rankdata(scores[positive])) / num_negatives
    above = 1.0 - (ranks[~positive] - rankdata(scores[~positive])) / num_positives
    return Placements(np.asarray(below), np.asarray(above))


def _differences(outputs: Array, labels: Array) -> Array:
    targets = np.asarray(labels, np.float64)
    if outputs.size != targets.size:
        raise DataError(
            "targets",
            found=f"shape {list(targets.shape)}",
            expected=f"{list(outputs.shape)}, as the outputs",
            next_step="give targets that the model predicts",
        )
    return outputs.reshape(len(outputs), -1) - targets.reshape(len(outputs), -1)


def _mean_of(errors: Array) -> Score:
    spread = float(errors.std(ddof=1)) if len(errors) > 1 else 0.0
    return Score(float(errors.mean()), spread / math.sqrt(len(errors)), "s / sqrt(n) over samples", errors=errors)


def _mae(outputs: Array, labels: Array, _: bool | None) -> Score:
    return _mean_of(np.abs(_differences(outputs, labels)).mean(axis=1))


def _mse(outputs: Array, labels: Array, _: bool | None) -> Score:
    return _mean_of((_differences(outputs, labels) ** 2).mean(axis=1))


def _rmse(outputs: Array, labels: Array, _: bool | None) -> Score:
    squared = _mse(outputs, labels, _)
    value = math.sqrt(squared.value)
    error = squared.standard_error / (2.0 * value) if value > 0.0 else 0.0
    return Score(value, error, "delta method on the MSE's", errors=squared.errors)


def _nats(outputs: Array, labels: Array, from_logits: bool | None) -> Score:
    """Return the mean cross-entropy of the true class in nats; probabilities are held above 1e-9."""
    flat = _scores_2d("nats", outputs)
    truth = _classes(labels, flat.shape[1])
    if from_logits is None:
        from_logits = bool(flat.min() < 0.0 or flat.max() > 1.0)
    if from_logits:
        shifted = flat - flat.max(axis=1, keepdims=True)
        logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    else:
        logs = np.log(np.maximum(flat, 1e-9))
    return _mean_of(-logs[np.arange(len(truth)), truth])


def _r2(outputs: Array, labels: Array, _: bool | None) -> Score:
    """Return 1 - sum of squared errors / sum of squares about the mean, all targets of a sample together."""
    differences = _differences(outputs, labels)
    targets = np.asarray(labels, np.float64).reshape(len(labels), -1)
    squared = differences**2
    if not (targets != targets[0]).any():
        raise DataError(
            "r2", found="targets that are all equal", expected="targets that vary", next_step="use --metric mse"
        )
    value = _explained(squared, targets)
    random = np.random.default_rng(0)
    resamples = (random.integers(0, len(targets), len(targets)) for _ in range(BOOTSTRAP_SAMPLES))
    values = [_explained(squared[chosen], targets[chosen]) for chosen in resamples]
    error = float(np.std([v for v in values if math.isfinite(v)], ddof=1))
    return Score(value, error, f"bootstrap, {BOOTSTRAP_SAMPLES} resamples, seed 0", errors=squared.mean(axis=1))


def _explained(squared_errors: Array, targets: Array) -> float:
    spread = float(((targets - targets.mean(axis=0)) ** 2).sum())
    return 1.0 - float(squared_errors.sum()) / spread if spread > 0.0 else math.nan


def _inception_score(outputs: Array, labels: Array, _: bool | None) -> Score:  # noqa: ARG001 - one signature for all
    from edgetool.evaluate.generation import inception_score

    return inception_score(outputs)


#: Metric -> its function of outputs, labels and `from_logits`.
METRICS: dict[str, Callable[[Array, Array, bool | None], Score]] = {
    "accuracy": _accuracy,
    "top5": _top5,
    "auc": _auc,
    "mae": _mae,
    "mse": _mse,
    "nats": _nats,
    "rmse": _rmse,
    "r2": _r2,
    "inception_score": _inception_score,
}
