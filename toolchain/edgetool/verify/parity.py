"""How far two models' outputs are apart on the same inputs, and whether that is within a stated tolerance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from edgetool.data.dataset import Array
from edgetool.errors import ParityError
from edgetool.store.manifest import ParityRecord

__all__ = ["FLOAT", "HALF", "QUANTIZED", "RUNTIMES", "Tolerance", "compare_outputs", "tolerance_for"]

ParityKind = Literal["float", "quantized", "runtimes"]


@dataclass(frozen=True, slots=True)
class Tolerance:
    """A limit; None: not looked at.

    Attributes:
        max_abs_error: times the largest magnitude of the reference's output, where that is above 1.
        min_sqnr_db: of every output.
        min_agreement: share of samples with the same arg-max, where there are classes.
    """

    max_abs_error: float | None = None
    min_sqnr_db: float | None = None
    min_agreement: float | None = None

    def describe(self) -> str:
        """Return the limits in words."""
        parts = []
        if self.max_abs_error is not None:
            parts.append(f"max |error| <= {self.max_abs_error:g} x max(1, max |reference|)")
        if self.min_sqnr_db is not None:
            parts.append(f"SQNR >= {self.min_sqnr_db:g} dB")
        if self.min_agreement is not None:
            parts.append(f"top-1 agreement >= {self.min_agreement:g}")
        return ", ".join(parts) or "none"


#: Float exports compute the same graph in another order: only rounding may differ.
FLOAT = Tolerance(max_abs_error=1e-4)
#: Half-precision weights: 11 bits of significand, so about 2^-11 relative error a weight, accumulated over layers.
HALF = Tolerance(max_abs_error=2e-2, min_sqnr_db=30.0)
#: Post-training int8 of a sound model keeps 15 to 40 dB; a wrong scale, layout or activation falls below 5.
QUANTIZED = Tolerance(min_sqnr_db=8.0, min_agreement=0.85)
#: Two quantisers that calibrate on their own: each is off by its own noise, so 3 dB less.
RUNTIMES = Tolerance(min_sqnr_db=5.0, min_agreement=0.80)
#: The model was trained on after the source: answers may move, but most must stay.
RETRAINED = Tolerance(min_agreement=0.70)


def tolerance_for(kind: ParityKind, *, weights: str = "int8", retrained: bool = False) -> Tolerance:
    """Return the stated limit.

    Args:
        kind: what is compared.
        weights: `float32`, `float16` or `int8`: how the candidate stores them.
        retrained: weights were pruned, clustered or trained since the reference.
    """
    if kind == "float":
        return FLOAT
    if kind == "runtimes":
        return {"float32": FLOAT, "float16": HALF}.get(weights, RUNTIMES)
    if retrained:
        return RETRAINED
    return {"float32": FLOAT, "float16": HALF}.get(weights, QUANTIZED)


def compare_outputs(
    reference: Sequence[Array],
    candidate: Sequence[Array],
    *,
    reference_name: str,
    artifact_name: str,
    kind: ParityKind,
    split: str,
    classes: bool,
    tolerance: Tolerance | None = None,
) -> ParityRecord:
    """Compare the outputs of two models, each a sequence of `[N, ...]` arrays in file order.

    Args:
        reference: what is trusted.
        candidate: what is checked.
        reference_name: for the record.
        artifact_name: for the record.
        kind: see `ParityRecord`.
        split: where the inputs came from, for the record.
        classes: the first output holds class scores, so that agreement means something.
        tolerance: default: `tolerance_for(kind)`.

    Raises:
        ParityError: another number or shape of outputs, or NaN where the reference has none.
    """
    limit = tolerance or tolerance_for(kind)
    _require_same_shapes(reference, candidate, reference_name, artifact_name)
    differences = [c.astype(np.float64) - r.astype(np.float64) for r, c in zip(reference, candidate, strict=True)]
    max_abs = max(float(np.abs(d).max()) for d in differences)
    max_rel = max(_max_relative(r, d) for r, d in zip(reference, differences, strict=True))
    sqnr = tuple(_sqnr_db(r, d) for r, d in zip(reference, differences, strict=True))
    agreement = None
    if classes and reference[0].ndim == 2 and reference[0].shape[1] > 1:
        agreement = float((reference[0].argmax(axis=1) == candidate[0].argmax(axis=1)).mean())
    magnitude = max(1.0, *(float(np.abs(r).max()) for r in reference))
    passed = (
        (limit.max_abs_error is None or max_abs <= limit.max_abs_error * magnitude)
        and (limit.min_sqnr_db is None or min(sqnr) >= limit.min_sqnr_db)
        and (limit.min_agreement is None or agreement is None or agreement >= limit.min_agreement)
    )
    return ParityRecord(
        reference=reference_name,
        artifact=artifact_name,
        kind=kind,
        split=split,
        num_samples=len(reference[0]),
        max_abs_error=max_abs,
        max_rel_error=max_rel,
        sqnr_db=sqnr,
        top1_agreement=agreement,
        tolerance=limit.describe(),
        passed=passed,
    )


def _require_same_shapes(
    reference: Sequence[Array], candidate: Sequence[Array], reference_name: str, artifact_name: str
) -> None:
    shapes = ([list(array.shape) for array in reference], [list(array.shape) for array in candidate])
    if shapes[0] != shapes[1]:
        raise ParityError(
            artifact_name,
            found=f"outputs of shape {shapes[1]}",
            expected=f"{shapes[0]}, as {reference_name} gives",
            next_step="these are not the same model",
        )
    for index, (trusted, found) in enumerate(zip(reference, candidate, strict=True)):
        if np.isfinite(trusted).all() and not np.isfinite(found).all():
            raise ParityError(
                f"{artifact_name}: output {index}",
                found=f"{int((~np.isfinite(found)).sum())} values that are NaN or infinite",
                expected="finite values",
                next_step="the model overflows in this format; try a recipe with wider activations",
            )


def _max_relative(reference: Array, difference: Array) -> float:
    """Return the largest relative error; values below a thousandth of the largest count as that large."""
    magnitude = np.abs(reference.astype(np.float64))
    floor = max(1e-3 * float(magnitude.max()), np.finfo(np.float64).tiny)
    return float((np.abs(difference) / np.maximum(magnitude, floor)).max())


def _sqnr_db(reference: Array, difference: Array) -> float:
    """Return 10 log10(signal / noise), held to -200..200 dB so that it stays a number."""
    signal = float((reference.astype(np.float64) ** 2).sum())
    noise = float((difference**2).sum())
    if noise == 0.0:
        return 200.0
    if signal == 0.0:
        return -200.0
    return max(-200.0, min(200.0, 10.0 * math.log10(signal / noise)))
