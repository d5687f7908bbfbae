"""How far two models' outputs are apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["ParityRecord"]


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
        tolerance: the stated limit that `passed` was decided by, in words.
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
    tolerance: str
    passed: bool
    worst_output: int = 0
    worst_sample: int = 0
    reason: str = ""
