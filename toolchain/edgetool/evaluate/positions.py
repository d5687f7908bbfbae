"""Metrics of models that answer at every position of a sequence: positions that count, and errors by sequence.

Positions of one sequence are not independent, so the standard error is that of the sequences: each sequence's
influence on the metric is summed, and the sums are what varies.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from edgetool.data.dataset import Array
from edgetool.evaluate.score import Score

__all__ = ["by_sequence", "flatten_positions", "is_per_position"]


def is_per_position(outputs: Array, labels: Array) -> bool:
    """Tell whether `outputs` are `[N, ..., C]` with a class number at each position or pixel, `[N, ...]`."""
    return outputs.ndim >= 3 and outputs.shape[:-1] == labels.shape and labels.dtype.kind in "iu"


def flatten_positions(outputs: Array, labels: Array) -> tuple[Array, Array, Array]:
    """Return the positions that count, one a row.

    Args:
        outputs: `[N, ..., C]`.
        labels: `[N, ...]`; below 0: the position does not count.

    Returns:
        outputs `[P, C]`, labels `[P]`, and the sequence that each position is of, `[P]`.
    """
    counts = labels >= 0
    return outputs[counts], labels[counts], np.nonzero(counts)[0]


def by_sequence(score: Score, sequences: Array) -> Score:
    """Return `score`, found over positions, with the standard error of the sequences in place of that of positions.

    A mean's influence of a position is its deviation over the number of positions; AUC's is DeLong's structural
    component. The variance is n / (n - 1) times the sum of the squared sums of each sequence: Taylor linearisation for
    means (Cochran, Sampling Techniques, 1977, section 9A.2), Obuchowski, Biometrics 53(2), 1997, for AUC.

    Args:
        score: over positions.
        sequences: the sequence of each position, `[P]`, rising.
    """
    _, members = np.unique(sequences, return_inverse=True)
    sums = np.bincount(members, weights=_influences(score))
    num = len(sums)
    variance = float((sums**2).sum()) * num / (num - 1) if num > 1 else 0.0
    return dataclasses.replace(score, standard_error=math.sqrt(variance), method=f"clustered over {num} sequences")


def _influences(score: Score) -> Array:
    if score.placements is not None:
        placements = score.placements
        values = np.empty(len(placements.positives) + len(placements.negatives))
        assert score.truth is not None
        positive = score.truth == 1
        values[positive] = (placements.positives - score.value) / len(placements.positives)
        values[~positive] = (placements.negatives - score.value) / len(placements.negatives)
        return values
    each = score.correct if score.correct is not None else score.errors
    assert each is not None
    return (each.astype(np.float64) - score.value) / len(each)
