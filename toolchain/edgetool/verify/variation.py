"""How well one model's outputs follow another's as these vary from sample to sample.

An output of 300 +- 1 that is given as 300 for every sample has an SQNR of 50 dB and says nothing. What counts here is
the variation about each element's mean over the samples.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgetool.data.dataset import Array

__all__ = ["Variation", "compare_variation"]

#: An output varies if the standard deviation of its elements is above this share of its root mean square; what is
#: below is within a few roundings of float32.
MIN_SHARE = 2e-5
#: Figures are held to -200..200 dB, so that they stay numbers.
MAX_DB = 200.0


@dataclass(frozen=True, slots=True)
class Variation:
    """How a candidate follows the variation of a reference.

    Attributes:
        centred_db: 10 log10(variation / error), both summed over all elements; 0 dB for an output that says the mean.
        correlation: of all elements, each less its mean over the samples, -1..1; 0 for a constant candidate.
        share: standard deviation of the reference relative to its root mean square.
    """

    centred_db: float
    correlation: float
    share: float


def compare_variation(reference: Array, candidate: Array) -> Variation | None:
    """Compare two outputs `[N, ...]`; None where the reference says the same of every sample.

    So it does where there is one sample, and where only roundings differ. Integers are codes, whose distance means
    nothing: None for them too.
    """
    num_samples = len(reference)
    if num_samples < 2 or reference.dtype.kind != "f":
        return None
    trusted = reference.astype(np.float64)
    found = candidate.astype(np.float64)
    varying = trusted - trusted.mean(axis=0)
    power = float((trusted**2).sum())
    variation = float((varying**2).sum()) * num_samples / (num_samples - 1)
    if variation <= MIN_SHARE**2 * power:
        return None
    error = float(((found - trusted) ** 2).sum())
    centred = found - found.mean(axis=0)
    scale = math.sqrt(float((varying**2).sum()) * float((centred**2).sum()))
    return Variation(
        centred_db=_decibels(variation, error),
        correlation=float((varying * centred).sum()) / scale if scale > 0.0 else 0.0,
        share=math.sqrt(variation / power),
    )


def _decibels(signal: float, noise: float) -> float:
    if noise == 0.0:
        return MAX_DB
    return max(-MAX_DB, min(MAX_DB, 10.0 * math.log10(signal / noise)))
