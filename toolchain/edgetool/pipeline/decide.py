"""Choose the artefacts: the smallest and the fastest one that a target and an accuracy limit allow, with the reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from edgetool.store.manifest import ArtifactRecord, Decision, EvaluationRecord
from edgetool.targets import Target
from edgetool.tasks import drop_points, in_points

__all__ = ["broken_budgets", "decide", "refusal"]


def decide(
    artifacts: Sequence[ArtifactRecord],
    *,
    source: EvaluationRecord | None,
    target: Target,
    max_drop_points: float,
) -> tuple[Decision, ...]:
    """Name the smallest and the fastest artefact within `max_drop_points` and the target's budgets.

    The drop is measured on the validation split: the test split takes no part in choosing.

    Args:
        artifacts: of the run, measured.
        source: validation metric of the source model; None: no labels, so that no drop can be told.
        target: whose budgets count.
        max_drop_points: see `edgetool.tasks.drop_points`.
    """
    fitting = [
        a for a in artifacts if refusal(a, source=source, target=target, max_drop_points=max_drop_points) is None
    ]
    return (
        _choose("smallest", fitting, artifacts, lambda a: float(a.size.raw), source, target, max_drop_points),
        _choose("fastest", [a for a in fitting if a.latency], artifacts, _best_p50_ns, source, target, max_drop_points),
    )


def refusal(
    artifact: ArtifactRecord, *, source: EvaluationRecord | None, target: Target, max_drop_points: float
) -> str | None:
    """Return why an artefact cannot be chosen, or None where it can."""
    if artifact.failure is not None:
        return artifact.failure
    if not all(parity.passed for parity in artifact.parity):
        return "its outputs do not agree"
    if not all(invariant.passed for invariant in artifact.invariants):
        return "an invariant is broken"
    broken = broken_budgets(artifact, target)
    if broken:
        return broken[0]
    if source is not None and artifact.validation is not None:
        drop = drop_points(source.metric, source.value, artifact.validation.value)
        if drop > max_drop_points + 1e-9:
            return f"validation {source.metric} drops by {drop:.2f}, more than {max_drop_points:g}"
    return None


def broken_budgets(artifact: ArtifactRecord, target: Target) -> tuple[str, ...]:
    """Return a sentence with both numbers for every budget of the target that the artefact breaks."""
    found: list[str] = []
    if target.flash_bytes is not None and artifact.size.raw > target.flash_bytes:
        found.append(f"needs {artifact.size.raw:,} B of flash, {target.name} has {target.flash_bytes:,} B")
    if target.ram_bytes is not None and artifact.arena_bytes > target.ram_bytes:
        found.append(
            f"needs {artifact.arena_bytes:,} B of RAM for activations, {target.name} has {target.ram_bytes:,} B"
        )
    return tuple(found)


def _best_p50_ns(artifact: ArtifactRecord) -> float:
    return min(record.p50_ns for record in artifact.latency)


def _choose(
    purpose: Literal["smallest", "fastest"],
    fitting: Sequence[ArtifactRecord],
    artifacts: Sequence[ArtifactRecord],
    measure: Callable[[ArtifactRecord], float],
    source: EvaluationRecord | None,
    target: Target,
    max_drop_points: float,
) -> Decision:
    if not fitting:
        reasons = [
            f"{a.name}: {why}"
            for a in artifacts
            if (why := refusal(a, source=source, target=target, max_drop_points=max_drop_points)) is not None
        ]
        return Decision(purpose, None, "; ".join(reasons) or "no artefact was measured")
    best = min(fitting, key=measure)
    if purpose == "smallest":
        what = f"{best.size.raw:,} bytes, the least of {len(fitting)} artefacts that fit {target.name}"
    else:
        record = min(best.latency, key=lambda item: item.p50_ns)
        threads = "1 thread" if record.num_threads == 1 else f"{record.num_threads} threads"
        what = (
            f"{record.p50_ns / 1e3:,.1f} us median on {record.runtime} with {threads}, "
            f"the least of {len(fitting)} artefacts that fit {target.name}"
        )
    return Decision(purpose, best.name, f"{what}; {_drop_in_words(best, source, max_drop_points)}")


def _drop_in_words(artifact: ArtifactRecord, source: EvaluationRecord | None, max_drop_points: float) -> str:
    if source is None or artifact.validation is None:
        return "no labels to measure a drop on"
    drop = drop_points(source.metric, source.value, artifact.validation.value)
    unit = "points" if in_points(source.metric) else "percent"
    change = 0.0 - round(drop, 2)  # never -0.00
    return (
        f"validation {source.metric} {artifact.validation.value:.4g} against {source.value:.4g}, "
        f"a change of {change:+.2f} {unit} (limit -{max_drop_points:g})"
    )
