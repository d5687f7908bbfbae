"""How far two models' outputs are apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["ParityRecord", "Tolerance"]


@dataclass(frozen=True, slots=True)
class Tolerance:
    """Limits that must all hold; None: not looked at.

    Attributes:
        max_abs_error: of every element of an output, times the largest magnitude of the reference's output where that
            is above 1.
        min_sqnr_db: of every output.
        min_agreement: share of samples with the same arg-max, where there are classes; one sample more may differ, so
            that a handful of samples can be judged.
        min_sqnr_db_without_classes: of every output, where there are no classes to agree on.
        min_centred_db: likewise, with the output's variation about its mean in place of its power.
        min_correlation: of the scores of classes about their means, where they vary enough to tell.
    """

    max_abs_error: float | None = None
    min_sqnr_db: float | None = None
    min_agreement: float | None = None
    min_sqnr_db_without_classes: float | None = None
    min_centred_db: float | None = None
    min_correlation: float | None = None

    def describe(self, *, classes: bool = True) -> str:
        """Return the limits that hold with or without classes in words."""
        sqnr, agreement = self.limits(classes=classes)
        parts = []
        if self.max_abs_error is not None:
            parts.append(f"max |error| <= {self.max_abs_error:g} x max(1, max |reference|)")
        if sqnr is not None:
            parts.append(f"SQNR >= {sqnr:g} dB")
        if agreement is not None:
            parts.append(f"top-1 agreement >= {agreement:g}")
        if classes and self.min_correlation is not None:
            parts.append(f"correlation >= {self.min_correlation:g}")
        if not classes and self.min_centred_db is not None:
            parts.append(f"SQNR about the mean >= {self.min_centred_db:g} dB")
        return ", ".join(parts) or "none"

    def limits(self, *, classes: bool) -> tuple[float | None, float | None]:
        """Return the least SQNR in dB and the least agreement that hold with or without classes."""
        if classes:
            return self.min_sqnr_db, self.min_agreement
        given = [limit for limit in (self.min_sqnr_db, self.min_sqnr_db_without_classes) if limit is not None]
        return max(given, default=None), None


@dataclass(frozen=True, slots=True)
class ParityRecord:
    """How far the outputs of `artifact` are from those of `reference`, on the same inputs.

    Attributes:
        kind: `float` compares by absolute and relative error; `quantized` by agreement and SQNR; `runtimes` compares
            the TFLite and the ONNX file of one recipe.
        num_samples: how many inputs were compared.
        split: the data split they come from (never the test split).
        max_abs_error: largest absolute difference of an output element.
        max_rel_error: largest |a - b| / max(|b|, 1e-3 * max|b|).
        sqnr_db: signal to quantisation noise, 10 log10(sum b^2 / sum (a - b)^2), one for each output.
        top1_agreement: share of samples with the same arg-max, 0..1; None where there are no classes.
        tolerance: the stated limits that `passed` was decided by.
        worst_output: index of the output with the largest absolute difference.
        worst_sample: index of the sample where that is.
        reason: what broke the tolerance, in words; empty where `passed`.
    """

    reference: str
    artifact: str
    kind: Literal["float", "quantized", "runtimes"]
    split: str
    num_samples: int
    max_abs_error: float
    max_rel_error: float
    sqnr_db: tuple[float, ...]
    top1_agreement: float | None
    tolerance: Tolerance
    passed: bool
    worst_output: int = 0
    worst_sample: int = 0
    reason: str = ""

    @property
    def limits(self) -> str:
        """The limits that held for these outputs, in words."""
        return self.tolerance.describe(classes=self.top1_agreement is not None)
