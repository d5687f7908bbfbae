"""How far two models' outputs are apart on the same inputs, and whether that is within a stated tolerance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from edgetool.data.dataset import Array
from edgetool.errors import ParityError
from edgetool.evaluate.metrics import answers
from edgetool.options.groups import ToleranceOptions
from edgetool.records import INT8, ParityRecord, Tolerance, WeightFormat
from edgetool.verify.variation import compare_variation

__all__ = [
    "FLOAT",
    "HALF",
    "NOISE_INPUTS",
    "QUANTIZED",
    "RETRAINED",
    "RUNTIMES",
    "ParityKind",
    "Tolerance",
    "compare_outputs",
    "require_parity",
    "sqnr_db",
    "tolerance_for",
    "tolerance_from",
]

ParityKind = Literal["float", "quantized", "runtimes"]

#: Float types of so many bits have half of float32's precision or less.
HALF_BITS = 16
#: SQNR of equal outputs; also the bound of all others, so that it stays a finite number.
MAX_SQNR_DB = 200.0
#: Scores of classes that vary less than this, relative to their size, need not be followed: the classes are the answer.
MIN_SHARE_OF_SCORES = 0.02

# The figures were measured on MLPerf Tiny ResNet-8 and 256 training images of CIFAR-10. Broken on purpose: swapped
# colour channels 6.5 dB and 82 % agreement, a missing factor 1/255 -0.7 dB and 9 %, height and width swapped 0.2 dB and
# 36 %, permuted filters of one layer at most 2.4 dB and 64 %.

#: Float exports compute the same graph in another order: only rounding may differ (LiteRT, onnxruntime: 2e-6, 123 dB).
#: The SQNR catches outputs that are so small that any answer is within the absolute error.
FLOAT = Tolerance(max_abs_error=1e-4, min_sqnr_db=60.0, min_centred_db=20.0)
#: Half-precision weights: 11 bits of significand, about 2^-11 relative error a weight, accumulated over layers (1e-2,
#: 54 dB).
HALF = Tolerance(max_abs_error=2e-2, min_sqnr_db=30.0, min_centred_db=10.0)
#: Honest int8 gave 13.5 dB and 94.1 % (onnxruntime per tensor, a point of accuracy lost) to 27 dB and 99.6 %.
#: Eight bits hold an output of 100 +- 1 to 16 dB about its mean, one of 300 +- 1 to 8 dB.
QUANTIZED = Tolerance(min_sqnr_db=10.0, min_agreement=0.90, min_centred_db=6.0, min_correlation=0.5)
#: Two quantisers that calibrate on their own: each is off by its own noise, so 3 dB and 5 points less.
RUNTIMES = Tolerance(min_sqnr_db=7.0, min_agreement=0.85, min_centred_db=3.0, min_correlation=0.5)
#: The model was trained on after the reference: answers may move, but most must stay. Scores may grow or shrink. Values
#: must explain half of the reference's variance: an output that says its mean explains none (0 dB).
RETRAINED = Tolerance(min_agreement=0.70, min_sqnr_db_without_classes=0.0, min_centred_db=3.0, min_correlation=0.5)
#: Quantised models on noise, which no range was calibrated for: honest int8 gave 12 to 28 dB and 86 to 100 %.
NOISE_INPUTS = Tolerance(min_sqnr_db=5.0, min_agreement=0.70)


def tolerance_for(
    kind: ParityKind, *, weights: WeightFormat = INT8, retrained: bool = False, noise_inputs: bool = False
) -> Tolerance:
    """Return the stated limit.

    Args:
        kind: what is compared.
        weights: how the candidate stores them.
        retrained: weights were pruned, clustered or trained since the reference.
        noise_inputs: the inputs are random, no data.
    """
    if kind == "float":
        return FLOAT
    if retrained and kind == "quantized":
        return RETRAINED
    if not weights.is_integer:
        return HALF if weights.bits <= HALF_BITS else FLOAT
    if noise_inputs:
        return NOISE_INPUTS
    return RUNTIMES if kind == "runtimes" else QUANTIZED


def tolerance_from(options: ToleranceOptions) -> Tolerance | None:
    """Return the limits that options state; None where none was given."""
    if options == ToleranceOptions():
        return None
    return Tolerance(options.tolerance, options.min_sqnr, options.min_agreement)


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
    head_classes: Sequence[bool] = (),
) -> ParityRecord:
    """Compare the outputs of two models, each a sequence of `[N, ...]` arrays in file order.

    Args:
        reference: what is trusted.
        candidate: what is checked.
        reference_name: for the record.
        artifact_name: for the record.
        kind: see `ParityRecord`.
        split: where the inputs came from, for the record.
        classes: the first output holds class scores, `[N, C]` or at each position `[N, ..., C]` (C = 1: one score for
            two classes), so that agreement means something.
        tolerance: default: `tolerance_for(kind)`.
        head_classes: likewise for each output behind the first one; those beyond it hold class scores where rows sum
            to 1.

    Returns:
        The record; where it did not pass, `reason` says what broke.

    Raises:
        ParityError: outputs that cannot be compared: another number or shape of them, none at all, NaN or infinity.
    """
    limit = tolerance or tolerance_for(kind)
    _require_comparable(reference, candidate, reference_name, artifact_name)
    differences = [c.astype(np.float64) - r.astype(np.float64) for r, c in zip(reference, candidate, strict=True)]
    errors = [float(np.abs(d).max()) for d in differences]
    worst = int(np.argmax(errors))
    sqnr = tuple(_ratio_db(r, d) for r, d in zip(reference, differences, strict=True))
    stated = (classes, *head_classes)
    holds_classes = [
        stated[index] if index < len(stated) else _is_distribution(trusted) for index, trusted in enumerate(reference)
    ]
    agreements = [
        _agreement(trusted, found) if scores else None
        for trusted, found, scores in zip(reference, candidate, holds_classes, strict=True)
    ]
    agreement = agreements[0]
    reasons = [
        *_constant(reference, candidate, reference_name),
        *_broken(limit, reference, errors, sqnr, agreements),
        *_not_followed(limit, reference, candidate, holds_classes),
    ]
    return ParityRecord(
        reference=reference_name,
        artifact=artifact_name,
        kind=kind,
        split=split,
        num_samples=len(reference[0]),
        max_abs_error=errors[worst],
        max_rel_error=max(_max_relative(r, d) for r, d in zip(reference, differences, strict=True)),
        sqnr_db=sqnr,
        top1_agreement=agreement,
        tolerance=limit,
        passed=not reasons,
        worst_output=worst,
        worst_sample=int(np.abs(differences[worst]).reshape(len(differences[worst]), -1).max(axis=1).argmax()),
        reason="; ".join(reasons),
    )


def require_parity(record: ParityRecord) -> None:
    """Raise where `record` did not pass.

    Raises:
        ParityError: says what broke and where the largest deviation is.
    """
    if record.passed:
        return
    where = f"output {record.worst_output}, sample {record.worst_sample}"
    raise ParityError(
        record.artifact,
        found=f"{record.reason}; largest deviation from {record.reference}: {record.max_abs_error:.4g} in {where}",
        expected=record.limits,
        next_step="export the model again, or calibrate on data that is like what it will see; "
        "--tolerance allows a larger error",
    )


def _require_comparable(
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
    if not reference or any(array.size == 0 for array in reference):
        raise ParityError(
            reference_name,
            found=f"outputs of shape {shapes[0]}",
            expected="at least one value",
            next_step="export the model again",
        )
    for name, arrays in ((reference_name, reference), (artifact_name, candidate)):
        for index, array in enumerate(arrays):
            _require_finite(f"{name}: output {index}", array)


def _require_finite(subject: str, array: Array) -> None:
    finite = np.isfinite(array)
    if finite.all():
        return
    bad = ~finite.reshape(len(array), -1).all(axis=1)
    raise ParityError(
        subject,
        found=f"NaN or infinity for {int(bad.sum())} of {len(array)} samples, first sample {int(bad.argmax())}",
        expected="finite values",
        next_step="the model overflows in this format or on these inputs; try a recipe with wider activations",
    )


def _agreement(reference: Array, candidate: Array) -> float:
    """Return the share of the same answers, over samples or positions; the reference decides a single score's
    threshold.
    """
    from_logits = bool(reference.min() < 0.0 or reference.max() > 1.0)
    if reference.ndim >= 3:
        reference, candidate = (array.reshape(-1, array.shape[-1]) for array in (reference, candidate))
    same = answers(reference, from_logits=from_logits) == answers(candidate, from_logits=from_logits)
    return float(same.mean())


def _is_distribution(output: Array) -> bool:
    """Tell rows of probabilities of classes."""
    if output.ndim < 2 or output.shape[-1] < 2 or output.min() < 0.0:
        return False
    return bool(np.abs(output.astype(np.float64).sum(axis=-1) - 1.0).max() < 0.1)


def _constant(reference: Sequence[Array], candidate: Sequence[Array], reference_name: str) -> list[str]:
    """Name outputs that say the same of every sample: comparing them shows nothing, or the candidate is dead."""
    if len(reference[0]) < 2:
        return []
    if all(_is_constant(array) for array in reference):
        what = "zeros" if not any(array.any() for array in reference) else "one and the same output"
        return [f"{reference_name} gives {what} for every sample, so that nothing can be compared: use other inputs"]
    dead = [i for i, array in enumerate(candidate) if _is_constant(array) and not _is_constant(reference[i])]
    return [f"output {i} is {'zero' if not candidate[i].any() else 'one and the same'} for every sample" for i in dead]


def _is_constant(array: Array) -> bool:
    return not bool((array != array[:1]).any())


def _broken(
    limit: Tolerance,
    reference: Sequence[Array],
    errors: Sequence[float],
    sqnr_db: Sequence[float],
    agreements: Sequence[float | None],
) -> list[str]:
    """Return each limit that does not hold, in words."""
    found = []
    for index, (trusted, error, sqnr) in enumerate(zip(reference, errors, sqnr_db, strict=True)):
        min_sqnr, _ = limit.limits(classes=agreements[index] is not None)
        if limit.max_abs_error is not None:
            allowed = limit.max_abs_error * max(1.0, float(np.abs(trusted.astype(np.float64)).max()))
            if error > allowed:
                found.append(f"output {index}: |error| up to {error:.4g}, above {allowed:.4g}")
        if min_sqnr is not None and sqnr < min_sqnr:
            found.append(f"output {index}: SQNR {sqnr:.1f} dB, below {min_sqnr:g} dB")
    for index, agreement in enumerate(agreements):
        if agreement is None or limit.min_agreement is None:
            continue
        num_samples = len(reference[index])
        changed = round((1.0 - agreement) * num_samples)
        if changed > math.floor((1.0 - limit.min_agreement) * num_samples) + 1:
            where = f"output {index}: " if index else ""
            found.append(f"{where}another class for {changed} of {num_samples} samples, agreement {agreement:.3f}")
    return found


def _not_followed(
    limit: Tolerance, reference: Sequence[Array], candidate: Sequence[Array], holds_classes: Sequence[bool]
) -> list[str]:
    """Name outputs that do not follow the reference's as these vary, however near they are to their mean."""
    reasons = []
    for index, (trusted, found) in enumerate(zip(reference, candidate, strict=True)):
        variation = compare_variation(trusted, found)
        if variation is None or _is_constant(found):
            continue
        told = f"output {index} follows the reference with a correlation of {variation.correlation:.2f}"
        if not holds_classes[index]:
            least_db = limit.min_centred_db
            if least_db is not None and variation.centred_db < least_db:
                reasons.append(f"{told}: SQNR about the mean {variation.centred_db:.1f} dB, below {least_db:g} dB")
            continue
        least = limit.min_correlation
        if least is not None and variation.share > MIN_SHARE_OF_SCORES and variation.correlation < least:
            reasons.append(f"{told}, below {least:g}")
    return reasons


def _max_relative(reference: Array, difference: Array) -> float:
    """Return the largest relative error; values below a thousandth of the largest count as that large."""
    magnitude = np.abs(reference.astype(np.float64))
    floor = max(1e-3 * float(magnitude.max()), float(np.finfo(np.float32).tiny))
    return float((np.abs(difference) / np.maximum(magnitude, floor)).max())


def sqnr_db(reference: Array, candidate: Array) -> float:
    """Return 10 log10(signal / noise), held to -200..200 dB so that it stays a number."""
    return _ratio_db(reference, candidate.astype(np.float64) - reference.astype(np.float64))


def _ratio_db(reference: Array, difference: Array) -> float:
    signal = float((reference.astype(np.float64) ** 2).sum())
    noise = float((difference**2).sum())
    if noise == 0.0:
        return MAX_SQNR_DB
    if signal == 0.0:
        return -MAX_SQNR_DB
    return max(-MAX_SQNR_DB, min(MAX_SQNR_DB, 10.0 * math.log10(signal / noise)))
