"""Whether an artefact's answers are good enough to be chosen, wherever it is to run."""

from __future__ import annotations

from edgetool.records import ArtifactRecord, EvaluationRecord, Refusal
from edgetool.tasks import drop_points

__all__ = ["answers_refusal", "validation_drop", "validation_drops"]

#: Rounding of floating-point drops that lie exactly at the limit.
SLACK = 1e-9


def answers_refusal(
    artifact: ArtifactRecord, *, source: EvaluationRecord | None, max_drop_points: float
) -> Refusal | None:
    """Return why the answers of an artefact rule it out, or None where they do not.

    Args:
        artifact: evaluated.
        source: validation metric of the source model; None where there are no labels.
        max_drop_points: The largest drop, as `edgetool.tasks.drop_points` counts it.
    """
    if artifact.failure is not None:
        return Refusal(artifact.name, "failure", str(artifact.failure))
    if not all(parity.passed for parity in artifact.parity):
        return Refusal(artifact.name, "parity", "its outputs do not agree")
    if not all(invariant.passed for invariant in artifact.invariants):
        return Refusal(artifact.name, "invariant", "an invariant is broken")
    for what, drop in validation_drops(artifact, source):
        if drop > max_drop_points + SLACK:
            reason = f"validation {what} drops by {drop:.2f}, more than {max_drop_points:g}"
            return Refusal(artifact.name, "drop", reason, drop, max_drop_points)
    return None


def validation_drop(artifact: ArtifactRecord, source: EvaluationRecord | None) -> float | None:
    """Return how much worse an artefact is than the source model on the validation split, see `drop_points`.

    Of several outputs the worst decides.
    """
    return max((drop for _, drop in validation_drops(artifact, source)), default=None)


def validation_drops(artifact: ArtifactRecord, source: EvaluationRecord | None) -> list[tuple[str, float]]:
    """Return metric and drop of every output; the metric of one behind the first is named with the output."""
    if source is None or artifact.validation is None:
        return []
    first = (source.metric, drop_points(source.metric, source.value, artifact.validation.value))
    others = [(f"{head.metric} of {head.name}", head.drop) for head in artifact.validation.heads]
    return [first, *((what, drop) for what, drop in others if drop is not None)]
