"""From manifests to what a report says: figures that are derived, rows in order, the answer in one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgetool.records import ArtifactRecord, EvaluationRecord, Manifest
from edgetool.report import wording
from edgetool.report.answer import Answer, answer_of, with_failures
from edgetool.report.notes import run_notes
from edgetool.report.row import Drop, Row, Setting, setting_of
from edgetool.store.manifest_io import load_manifest
from edgetool.tasks import METRICS, drop_points

__all__ = ["Run", "collect_run", "collect_runs", "read_run"]


@dataclass(frozen=True, slots=True)
class Run:
    """One run folder, ready to be shown.

    Attributes:
        name: unique among the runs of a report.
        metric: of the test split, or of the validation split where there is none; empty without labels.
        settings: that latency was measured in, the fewest threads first.
        failures: sentences about everything that went wrong; each is a fact of the manifest.
    """

    name: str
    manifest: Manifest
    rows: tuple[Row, ...]
    metric: str
    settings: tuple[Setting, ...]
    answer: Answer
    failures: tuple[str, ...]

    @property
    def main_setting(self) -> Setting | None:
        """The setting that summaries show: the CPU with the fewest threads."""
        return self.settings[0] if self.settings else None

    @property
    def notes(self) -> tuple[str, ...]:
        """The run's notes."""
        return run_notes(self.manifest)

    def row(self, name: str | None) -> Row | None:
        """Return the artefact of that name."""
        return next((row for row in self.rows if row.name == name), None)


def read_run(path: Path) -> Run:
    """Read a run folder.

    Raises:
        MissingFileError: no manifest there.
        ManifestError: damaged, or of another version.
    """
    return collect_run(load_manifest(path), path.resolve().name)


def collect_runs(paths: Sequence[Path]) -> tuple[Run, ...]:
    """Read several run folders; folders of the same name are told apart by a number."""
    runs: list[Run] = []
    for path in paths:
        name = path.resolve().name
        taken = {run.name for run in runs}
        unique = name if name not in taken else f"{name} ({sum(1 for t in taken if t.partition(' (')[0] == name) + 1})"
        runs.append(collect_run(load_manifest(path), unique))
    return tuple(runs)


def collect_run(manifest: Manifest, name: str) -> Run:
    """Derive everything that a report shows from a manifest."""
    chosen: dict[str, tuple[str, ...]] = {}
    for decision in manifest.decisions:
        if decision.artifact is not None:
            chosen[decision.artifact] = (*chosen.get(decision.artifact, ()), decision.purpose)
    references = {a.artifact.format: a for a in manifest.artifacts if a.is_reference}
    rows = tuple(
        _row(artifact, references.get(artifact.artifact.format), manifest, chosen.get(artifact.name, ()))
        for artifact in manifest.artifacts
    )
    settings = {setting_of(record) for artifact in manifest.artifacts for record in artifact.latency}
    return Run(
        name=name,
        manifest=manifest,
        rows=rows,
        metric=_metric(manifest),
        settings=tuple(sorted(settings)),
        answer=with_failures(answer_of(manifest, rows, name=name, metric=_metric(manifest)), manifest, rows),
        failures=_failures(manifest, rows),
    )


def _row(
    artifact: ArtifactRecord, reference: ArtifactRecord | None, manifest: Manifest, chosen_as: tuple[str, ...]
) -> Row:
    source = manifest.source
    return Row(
        record=artifact,
        size_ratio=None if reference is None else artifact.size.raw / max(1, reference.size.raw),
        reference=None if reference is None else reference.name,
        drop=None if source is None else _drop(source.evaluation, artifact.evaluation),
        validation_drop=None if source is None else _drop(source.validation, artifact.validation),
        chosen_as=chosen_as,
        problems=_problems(artifact),
    )


def _drop(source: EvaluationRecord | None, found: EvaluationRecord | None) -> Drop | None:
    if source is None or found is None or found.metric not in METRICS:
        return None
    error = None if found.paired is None else found.paired.difference_standard_error
    if error is not None:
        # The pairs measure a difference of shares, areas or mean errors; for rmse and r2 that is another quantity.
        if found.metric in ("accuracy", "top5", "auc"):
            error *= 100.0
        elif found.metric in ("mae", "mse"):
            error *= 100.0 / max(abs(source.value), 1e-12)
        else:
            error = None
    return Drop(drop_points(found.metric, source.value, found.value), error, wording.drop_unit(found.metric))


def _problems(artifact: ArtifactRecord) -> tuple[str, ...]:
    problems = [] if artifact.failure is None else [str(artifact.failure)]
    problems += [
        f"differs from {parity.reference}: {parity.reason or parity.limits}"
        for parity in artifact.parity
        if not parity.passed
    ]
    problems += [
        f"layer {record.layer}: {record.kind} {record.found:g}, expected {record.expected:g}"
        for record in artifact.invariants
        if not record.passed
    ]
    return tuple(problems)


def _metric(manifest: Manifest) -> str:
    for artifact in manifest.artifacts:
        for record in (artifact.evaluation, artifact.validation):
            if record is not None:
                return record.metric
    source = manifest.source
    known = None if source is None else source.evaluation or source.validation
    return "" if known is None else known.metric


def _failures(manifest: Manifest, rows: Sequence[Row]) -> tuple[str, ...]:
    """Return what went wrong: recipes or exports that failed, missing artefacts, problems of artefacts."""
    failures = [f"{failure.name} failed: {failure}" for failure in manifest.failures]
    told = {row.record.recipe for row in rows} | {failure.recipe for failure in manifest.failures}
    if manifest.status != "running":
        failures += [f"{recipe} left no artefact" for recipe in manifest.recipes if recipe not in told]
    failures += [f"{row.name}: {problem}" for row in rows for problem in row.problems]
    return tuple(failures)
