"""Task metrics on arrays, each with its standard error. Pure functions; no model runs here."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgetool.data.dataset import Array
from edgetool.errors import DataError, UsageError, nearest

__all__ = ["Score", "answers", "score"]

BOOTSTRAP_SAMPLES = 1000


@dataclass(frozen=True, slots=True)
class Score:
    """A metric's value.

    Attributes:
        standard_error: of `value`, in its unit.
        method: how it was found.
        per_class: accuracy of each class that has samples (NaN for one that has none); empty without classes.
        correct: per sample, whether the answer is right; None for metrics without answers.
        errors: per sample error; None for metrics of answers.
    """

    value: float
    standard_error: float
    method: str
    per_class: tuple[float, ...] = ()
    correct: Array | None = None
    errors: Array | None = None


def score(metric: str, outputs: Array, labels: Array) -> Score:
    """Return the metric of `outputs` against `labels`.

    Args:
        metric: `accuracy`, `top5`, `auc`, `mae`, `mse`, `rmse`, `r2`.
        outputs: `[N, C]` scores (logits or probabilities), `[N]` or `[N, 1]` for two classes, or predictions.
        labels: `[N]` class numbers or `[N, C]` one-hot; or targets shaped like the outputs.

    Raises:
        DataError: NaN in the outputs, or shapes that do not fit.
        UsageError: an unknown metric.
    """
    functions = {
        "accuracy": _accuracy,
        "top5": _top5,
        "auc": _auc,
        "mae": _mae,
        "mse": _mse,
        "rmse": _rmse,
        "r2": _r2,
    }
    if metric not in functions:
        raise UsageError(
            "--metric", found=repr(metric), expected="a known metric", next_step=nearest(metric, list(functions))
        )
    if len(outputs) != len(labels):
        raise DataError(
            metric, found=f"{len(outputs)} outputs", expected=f"{len(labels)} labels", next_step="report a defect"
        )
    if not np.isfinite(outputs).all():
        raise DataError(
            metric,
            found=f"{int((~np.isfinite(outputs)).sum())} outputs that are NaN or infinite",
            expected="finite outputs",
            next_step="the model overflows in this format; try a recipe with wider activations",
        )
    return functions[metric](np.asarray(outputs, np.float64), np.asarray(labels))


def answers(outputs: Array) -> Array:
    """Return the class that each row of `outputs` names: arg-max, or a threshold for one column.

    One column is a probability (threshold 0.5) when all values lie in 0..1, else a logit (threshold 0).
    """
    flat = outputs.reshape(len(outputs), -1)
    if flat.shape[1] > 1:
        return np.asarray(flat.argmax(axis=1))
    threshold = 0.5 if flat.min() >= 0.0 and flat.max() <= 1.0 else 0.0
    return np.asarray((flat[:, 0] > threshold).astype(np.int64))


def _classes(labels: Array, width: int) -> Array:
    if labels.ndim == 2 and labels.shape[1] > 1 and labels.shape[1] == width:
        return np.asarray(labels.argmax(axis=1))
    return labels.reshape(len(labels)).astype(np.int64)


def _share(correct: Array, per_class: tuple[float, ...] = ()) -> Score:
    p, n = float(correct.mean()), len(correct)
    return Score(p, math.sqrt(p * (1.0 - p) / n), "binomial, sqrt(p (1 - p) / n)", per_class, correct=correct)


def _accuracy(outputs: Array, labels: Array) -> Score:
    width = outputs.reshape(len(outputs), -1).shape[1]
    truth = _classes(labels, width)
    correct = answers(outputs) == truth
    num_classes = max(width, 2, int(truth.max()) + 1)
    per_class = tuple(
        float(correct[truth == label].mean()) if (truth == label).any() else math.nan for label in range(num_classes)
    )
    return _share(correct, per_class)


def _top5(outputs: Array, labels: Array) -> Score:
    truth = _classes(labels, outputs.shape[1])
    best = np.argsort(-outputs, axis=1, kind="stable")[:, :5]
    return _share((best == truth[:, None]).any(axis=1))


def _auc(outputs: Array, labels: Array) -> Score:
    from sklearn.metrics import roc_auc_score

    flat = outputs.reshape(len(outputs), -1)
    truth = _classes(labels, flat.shape[1])
    if set(np.unique(truth)) != {0, 1} or flat.shape[1] > 2:
        raise DataError(
            "auc", found=f"{len(np.unique(truth))} classes", expected="two classes", next_step="use --metric accuracy"
        )
    scores = flat[:, -1] if flat.shape[1] == 1 else flat[:, 1] - flat[:, 0]
    value = float(roc_auc_score(truth, scores))
    positives, negatives = int((truth == 1).sum()), int((truth == 0).sum())
    # Hanley and McNeil, Radiology 143(1), 1982, equation 1.
    q1, q2 = value / (2.0 - value), 2.0 * value**2 / (1.0 + value)
    variance = value * (1.0 - value) + (positives - 1) * (q1 - value**2) + (negatives - 1) * (q2 - value**2)
    return Score(value, math.sqrt(max(variance, 0.0) / (positives * negatives)), "Hanley and McNeil 1982")


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


def _mae(outputs: Array, labels: Array) -> Score:
    return _mean_of(np.abs(_differences(outputs, labels)).mean(axis=1))


def _mse(outputs: Array, labels: Array) -> Score:
    return _mean_of((_differences(outputs, labels) ** 2).mean(axis=1))


def _rmse(outputs: Array, labels: Array) -> Score:
    squared = _mse(outputs, labels)
    value = math.sqrt(squared.value)
    error = squared.standard_error / (2.0 * value) if value > 0.0 else 0.0
    return Score(value, error, "delta method on the MSE's", errors=squared.errors)


def _r2(outputs: Array, labels: Array) -> Score:
    from sklearn.metrics import r2_score

    targets = np.asarray(labels, np.float64).reshape(len(labels), -1)
    predictions = outputs.reshape(len(outputs), -1)
    differences = _differences(outputs, labels)
    value = float(r2_score(targets, predictions))
    random = np.random.default_rng(0)
    values = []
    for _ in range(BOOTSTRAP_SAMPLES):
        chosen = random.integers(0, len(targets), len(targets))
        spread = ((targets[chosen] - targets[chosen].mean(axis=0)) ** 2).sum()
        if spread > 0:
            values.append(1.0 - float((differences[chosen] ** 2).sum() / spread))
    error = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    return Score(
        value, error, f"bootstrap, {BOOTSTRAP_SAMPLES} resamples, seed 0", errors=(differences**2).mean(axis=1)
    )
