"""Choose the artefacts that a target and an accuracy limit allow: recommended, smallest, fastest, with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgetool.evaluate.acceptance import answers_refusal, validation_drop
from edgetool.records import (
    ArtifactRecord,
    Decision,
    EvaluationRecord,
    LatencyRecord,
    Purpose,
    Refusal,
    RuntimeFit,
)
from edgetool.runners import runs_models
from edgetool.targets import Target
from edgetool.tasks import METRICS, in_points

__all__ = ["broken_budgets", "decide", "placed_on", "refusal", "refusals_of"]

#: Of two sizes that differ by less than this share, the faster artefact is taken.
SAME_SIZE = 0.02


@dataclass(frozen=True, slots=True)
class _Candidate:
    """An artefact that may be chosen, with the figures that choices compare.

    Attributes:
        num_bytes: flash on the runtime that it is placed on.
        p50_ns: best median latency; None: not measured, or measured on another machine than the target.
        score: validation metric, the larger the better; None without labels.
    """

    record: ArtifactRecord
    fit: RuntimeFit
    num_bytes: int
    p50_ns: float | None
    score: float | None


def decide(
    artifacts: Sequence[ArtifactRecord],
    *,
    source: EvaluationRecord | None,
    target: Target,
    max_drop_points: float,
) -> tuple[Decision, ...]:
    """Name the recommended, the smallest and the fastest artefact that the target can run within the limits.

    The drop is measured on the validation split: the test split takes no part in choosing. Latency counts only where
    the target is the machine that measured it.

    Args:
        artifacts: of the run, measured.
        source: validation metric of the source model; None: no labels, so that no drop can be told.
        target: whose runtimes and budgets count.
        max_drop_points: see `edgetool.tasks.drop_points`.
    """
    fitting = []
    refusals = []
    for artifact in artifacts:
        refused = refusal(artifact, source=source, target=target, max_drop_points=max_drop_points)
        if refused is None:
            fitting.append(_candidate(artifact, target))
        else:
            refusals.append(f"{artifact.name}: {refused.reason}")
    if not fitting:
        reason = "; ".join(refusals) or "no artefact was measured"
        return tuple(Decision(purpose, None, reason) for purpose in ("recommended", "smallest", "fastest"))
    words = _Words(target, source, max_drop_points, len(fitting))
    return _recommend(fitting, words), _smallest(fitting, words), _fastest(fitting, words, artifacts)


def refusals_of(
    artifacts: Sequence[ArtifactRecord],
    *,
    source: EvaluationRecord | None,
    target: Target,
    max_drop_points: float,
) -> tuple[Refusal, ...]:
    """Return every reason why artefacts cannot be chosen, in their order: the target's, then that of the answers."""
    refusals: list[Refusal] = []
    for artifact in artifacts:
        refusals += broken_budgets(artifact, target)
        answers = answers_refusal(artifact, source=source, max_drop_points=max_drop_points)
        if answers is not None:
            refusals.append(answers)
    return tuple(refusals)


def refusal(
    artifact: ArtifactRecord, *, source: EvaluationRecord | None, target: Target, max_drop_points: float
) -> Refusal | None:
    """Return the first reason why an artefact cannot be chosen, or None where it can."""
    if artifact.failure is not None:
        return Refusal(artifact.name, "failure", str(artifact.failure))
    if placed_on(artifact, target) is None:
        return broken_budgets(artifact, target)[0]
    return answers_refusal(artifact, source=source, max_drop_points=max_drop_points)


def placed_on(artifact: ArtifactRecord, target: Target) -> RuntimeFit | None:
    """Return the first runtime of the target that the artefact runs on within the budgets; None without any."""
    for fit in _fits(artifact):
        if fit.runs and not _over_budget(artifact.name, fit, target):
            return fit
    return None


def broken_budgets(artifact: ArtifactRecord, target: Target) -> tuple[Refusal, ...]:
    """Return why the artefact fits no runtime of the target, with both numbers; nothing where it fits one."""
    if placed_on(artifact, target) is not None:
        return ()
    fits = _fits(artifact)
    runnable = [fit for fit in fits if fit.runs]
    if runnable:
        return _over_budget(artifact.name, runnable[0], target)
    reasons = "; ".join(f"{fit.runtime}: {fit.refusal}" for fit in fits)
    return (Refusal(artifact.name, "runtime", f"cannot run on {target.name}: {reasons}"),)


def _fits(artifact: ArtifactRecord) -> tuple[RuntimeFit, ...]:
    """Return what is known of each runtime; for a run without that, the file as it is."""
    return artifact.fits or (RuntimeFit(artifact.artifact.format, artifact.size.raw, artifact.arena_bytes),)


def _over_budget(name: str, fit: RuntimeFit, target: Target) -> tuple[Refusal, ...]:
    refusals: list[Refusal] = []
    flash, ram = target.flash_bytes, target.ram_bytes
    if flash is not None and fit.flash_bytes > flash:
        reason = f"needs {fit.flash_bytes:,} B of flash, {target.name} has {flash:,} B"
        refusals.append(Refusal(name, "flash", reason, fit.flash_bytes, flash))
    if ram is not None and fit.ram_bytes > ram:
        reason = f"needs {fit.ram_bytes:,} B of RAM for activations, {target.name} has {ram:,} B"
        refusals.append(Refusal(name, "ram", reason, fit.ram_bytes, ram))
    return tuple(refusals)


def _candidate(artifact: ArtifactRecord, target: Target) -> _Candidate:
    fit = placed_on(artifact, target)
    assert fit is not None
    p50_ns = None
    if artifact.latency and runs_models(target):
        p50_ns = min(record.p50_ns for record in artifact.latency)
    score = None
    if artifact.validation is not None and artifact.validation.metric in METRICS:
        sign = 1.0 if METRICS[artifact.validation.metric] else -1.0
        score = sign * artifact.validation.value
    return _Candidate(artifact, fit, fit.flash_bytes, p50_ns, score)


def _dominated(candidate: _Candidate, others: Sequence[_Candidate]) -> bool:
    """Tell whether another candidate is as good in everything and better in something."""
    return any(_at_least_as_good(other, candidate) and _better(other, candidate) for other in others)


def _costs(candidate: _Candidate) -> tuple[float, float, float]:
    """Return size, latency and the negative metric: what each is compared by, the less the better."""
    latency = 0.0 if candidate.p50_ns is None else candidate.p50_ns
    score = 0.0 if candidate.score is None else candidate.score
    return float(candidate.num_bytes), latency, -score


def _at_least_as_good(one: _Candidate, other: _Candidate) -> bool:
    return all(a <= b for a, b in zip(_costs(one), _costs(other), strict=True))


def _better(one: _Candidate, other: _Candidate) -> bool:
    return any(a < b for a, b in zip(_costs(one), _costs(other), strict=True))


def _smallest_of(candidates: Sequence[_Candidate]) -> _Candidate:
    """Return the smallest; of those within `SAME_SIZE` of it the fastest, then the most accurate."""
    least = min(candidate.num_bytes for candidate in candidates)
    close = [candidate for candidate in candidates if candidate.num_bytes <= least * (1.0 + SAME_SIZE)]
    return min(close, key=_by_speed)


def _by_speed(candidate: _Candidate) -> tuple[float, float, float]:
    size, latency, negative_score = _costs(candidate)
    return latency, negative_score, size


@dataclass(frozen=True, slots=True)
class _Words:
    """What every reason says besides its own figure."""

    target: Target
    source: EvaluationRecord | None
    max_drop_points: float
    num_fitting: int

    def decision(self, purpose: Purpose, candidate: _Candidate, what: str) -> Decision:
        """Return the choice of `candidate`; `what` is the figure it was chosen for."""
        artifact = candidate.record
        drop = _drop_in_words(artifact, self.source, self.max_drop_points)
        return Decision(purpose, artifact.name, f"{what}; {drop}", candidate.fit.runtime)

    def least(self) -> str:
        """Say among how many the figure is the least."""
        if self.num_fitting == 1:
            return f"the only artefact that fits {self.target.name}"
        return f"the least of {self.num_fitting} artefacts that fit {self.target.name}"


def _smallest(fitting: Sequence[_Candidate], words: _Words) -> Decision:
    best = _smallest_of(fitting)
    least = min(candidate.num_bytes for candidate in fitting)
    rank = words.least() if best.num_bytes == least else f"within 2 % of the least, {least:,}, and faster"
    return words.decision("smallest", best, f"{best.num_bytes:,} bytes, {rank}")


def _fastest(fitting: Sequence[_Candidate], words: _Words, artifacts: Sequence[ArtifactRecord]) -> Decision:
    timed = [candidate for candidate in fitting if candidate.p50_ns is not None]
    if timed:
        best = min(timed, key=_by_speed)
        return words.decision("fastest", best, f"{_latency_in_words(best)}, {words.least()}")
    if not runs_models(words.target) and any(artifact.latency for artifact in artifacts):
        return Decision("fastest", None, f"latency was measured on this machine, not on {words.target.name}")
    return Decision("fastest", None, "no latency was measured")


def _recommend(fitting: Sequence[_Candidate], words: _Words) -> Decision:
    """Recommend one artefact.

    None that another one is better than in everything, and none that is slower or larger than float32 where latency
    counts. Of the rest the one with the least product of size and latency; without latency the smallest.
    """
    useful = [candidate for candidate in fitting if not _dominated(candidate, fitting)]
    reference = min(
        (candidate for candidate in fitting if candidate.record.is_reference and candidate.p50_ns is not None),
        key=_by_speed,
        default=None,
    )
    if reference is None or reference.p50_ns is None:
        best = _smallest_of(useful)
        return words.decision("recommended", best, f"{best.num_bytes:,} bytes, {words.least()}")
    limit_ns, limit_bytes = reference.p50_ns, reference.num_bytes * (1.0 + SAME_SIZE)
    small = [candidate for candidate in useful if candidate.num_bytes <= limit_bytes]
    fast = [candidate for candidate in small if candidate.p50_ns is not None and candidate.p50_ns <= limit_ns]
    best = _least_product(fast)
    if best.record.is_reference:
        what = f"{_latency_in_words(best)}: every smaller artefact that fits {words.target.name} is slower than float32"
        return words.decision("recommended", best, what if len(fitting) > 1 else words.least())
    smaller = reference.num_bytes / max(1, best.num_bytes)
    faster = limit_ns / max(1.0, best.p50_ns or limit_ns)
    what = f"{smaller:.2f} times smaller and {faster:.2f} times faster than {reference.record.name}, the best of both"
    return words.decision("recommended", best, what)


def _least_product(candidates: Sequence[_Candidate]) -> _Candidate:
    def product(candidate: _Candidate) -> float:
        return candidate.num_bytes * (candidate.p50_ns or 1.0)

    best = min(candidates, key=product)
    close = [c for c in candidates if abs(c.num_bytes - best.num_bytes) <= SAME_SIZE * best.num_bytes]
    return min(close, key=_by_speed)


def _latency_in_words(candidate: _Candidate) -> str:
    record = min(candidate.record.latency, key=_p50_ns)
    threads = "1 thread" if record.num_threads == 1 else f"{record.num_threads} threads"
    return f"{record.p50_ns / 1e3:,.1f} us median on {record.runtime} with {threads}"


def _p50_ns(record: LatencyRecord) -> float:
    return record.p50_ns


def _drop_in_words(artifact: ArtifactRecord, source: EvaluationRecord | None, max_drop_points: float) -> str:
    drop = validation_drop(artifact, source)
    if drop is None or source is None or artifact.validation is None:
        return "no labels to measure a drop on"
    unit = "points" if in_points(source.metric) else "percent"
    change = 0.0 - round(drop, 2)  # never -0.00
    return (
        f"validation {source.metric} {artifact.validation.value:.4g} against {source.value:.4g}, "
        f"a change of {change:+.2f} {unit} (limit -{max_drop_points:g})"
    )
