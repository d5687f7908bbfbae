"""The value of a metric, with what comparisons of it need."""

from __future__ import annotations

from dataclasses import dataclass

from edgetool.data.dataset import Array
from edgetool.records import GenerationRecord

__all__ = ["BOOTSTRAP_SAMPLES", "Placements", "Score"]

#: Resamples of a bootstrap of a metric.
BOOTSTRAP_SAMPLES = 1000


@dataclass(frozen=True, slots=True)
class Placements:
    """Where each sample's score stands among those of the other class: the parts that AUC is the mean of.

    Attributes:
        positives: The share of negatives that score lower, one for each positive; ties count half, 0..1.
        negatives: The share of positives that score higher, one for each negative, 0..1.
    """

    positives: Array
    negatives: Array

    def variance(self) -> float:
        """Return DeLong's variance of the mean, s10 / m + s01 / n (Biometrics 44(3), 1988, equation 5)."""
        parts = (self.positives, self.negatives)
        return sum(float(part.var(ddof=1)) / len(part) for part in parts if len(part) > 1)


@dataclass(frozen=True, slots=True)
class Score:
    """A metric's value.

    Attributes:
        standard_error: The standard error of `value`, in its unit.
        method: how it was found.
        per_class: accuracy of each class that has samples (NaN for one that has none), or of generated images the share
            that is taken for each class; empty without classes.
        answers: per sample, the class that was named; None for metrics without answers.
        correct: per sample, whether the answer is right by the metric's own rule; None for metrics without answers.
        errors: per sample error, what it adds to the metric's mean; None for metrics of answers.
        placements: The placements, which only AUC has.
        truth: The class of each sample, 0 or 1, which only AUC has.
        generation: How varied generated samples are.
    """

    value: float
    standard_error: float
    method: str
    per_class: tuple[float, ...] = ()
    answers: Array | None = None
    correct: Array | None = None
    errors: Array | None = None
    placements: Placements | None = None
    truth: Array | None = None
    generation: GenerationRecord | None = None
