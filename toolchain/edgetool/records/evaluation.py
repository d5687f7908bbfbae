"""Task metrics, and the comparison of answers in pairs."""

from __future__ import annotations

from dataclasses import dataclass

from edgetool.records.head import HeadRecord

__all__ = ["EvaluationRecord", "GenerationRecord", "PairedComparison"]


@dataclass(frozen=True, slots=True)
class PairedComparison:
    """The answers of an artefact against those of the source model on the same samples.

    Attributes:
        num_changed: samples with another answer.
        num_fixed: wrong before, right now.
        num_broken: right before, wrong now.
        mcnemar_p: two-sided exact McNemar test on (fixed, broken); for metrics of errors this is the sign test on
            samples with a smaller and a larger error.
        mean_difference: artefact minus reference: of the shares right, of the AUC, or of the mean error per sample (the
            squared error for `rmse` and `r2`).
        difference_standard_error: of `mean_difference`, from the paired samples.
        difference_p: two-sided p-value of `test` that `mean_difference` is 0.
    """

    reference: str
    num_samples: int
    num_changed: int
    num_fixed: int
    num_broken: int
    mcnemar_p: float
    mean_difference: float | None = None
    difference_standard_error: float | None = None
    difference_p: float | None = None
    test: str = ""


@dataclass(frozen=True, slots=True)
class GenerationRecord:
    """How varied generated samples are, which their score alone does not show.

    Attributes:
        num_present: classes that a judge finds at least one of.
        num_classes: classes that the judge knows.
        rarest_share: of all samples, 0..1, in the class with the fewest.
        entropy_nats: of the shares of classes; ln(num_classes) at most.
        mean_confidence: of the judge, 0..1.
    """

    num_present: int
    num_classes: int
    rarest_share: float
    entropy_nats: float
    mean_confidence: float


@dataclass(frozen=True, slots=True)
class EvaluationRecord:
    """A task metric of one artefact on one split, measured with the file itself.

    Attributes:
        metric: `accuracy`, `auc`, `mae`, `mse`, ...
        value: in the metric's own unit; accuracy and AUC are shares, 0..1.
        standard_error: of `value`; how it was found is in `method`.
        per_class: accuracy of each class, in class order, -1 for a class without samples, or of generated images the
            share that is taken for each class; empty where there are none.
        heads: of a model with several outputs, those behind the first one.
        generation: of generated samples, how varied they are.
        machine: `Machine.key` of the one that ran the artefact; empty: the machine that made the artefacts.
    """

    split: str
    num_samples: int
    metric: str
    value: float
    standard_error: float
    method: str
    runtime: str
    per_class: tuple[float, ...] = ()
    class_names: tuple[str, ...] = ()
    paired: PairedComparison | None = None
    heads: tuple[HeadRecord, ...] = ()
    generation: GenerationRecord | None = None
    machine: str = ""
