"""A trial: one candidate, from the source model to files that are verified, evaluated and fitted to a target.

    build -> verify -> evaluate (validation split) -> fit

A trial never sees the test split. It writes into one folder, and every finished stage goes to a ledger at once, so that
a trial that was killed goes on after the last one.
"""

from __future__ import annotations

import dataclasses
import datetime
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from edgetool.errors import DiskFullError, EdgetoolError, from_dict
from edgetool.pipeline.fit import fit_stage
from edgetool.pipeline.setup import Built, Prepared, Setup
from edgetool.pipeline.stages import evaluate_stage, verify_stage
from edgetool.recipes.recipe import Recipe
from edgetool.records import ArtifactRecord, FailureRecord, PassRecord, SkippedLayer, Stage, StageRecord
from edgetool.runners.base import Runner
from edgetool.runners.child import Child
from edgetool.schema import parse, to_builtins
from edgetool.store.run_folder import hash_key
from edgetool.targets import Target

if TYPE_CHECKING:
    from edgetool.runners.child import Event

__all__ = ["FolderLedger", "Ledger", "Progress", "TrialResult", "Workplace", "finished_stage", "run_trial"]

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Workplace:
    """What the trials of one model on one data set share.

    Attributes:
        setup: model, data, training and seed; its cache holds the prepared arrays.
        source_digest: of the model.
        prepared: what is known of model and data.
        target: that artefacts are fitted to.
        workshop: the child that runs passes and exporters.
        fitter: the child that compiles files for runtimes of the target.
        runner: where files run.
        progress: called as work is done.
    """

    setup: Setup
    source_digest: str
    prepared: Prepared
    target: Target
    workshop: Child
    fitter: Child
    runner: Runner
    progress: Progress

    def identify(self, recipe: Recipe) -> str:
        """Return what tells a trial from every other one, whatever its recipe is called.

        It follows from the contents of model and data, the passes and the settings of training.
        """
        settings = dataclasses.replace(self.setup, model="", data=None, cache="")
        return hash_key(self.source_digest, self.prepared.data_digest, settings, recipe.passes)[:16]

    def call(self, function: str, **params: object) -> Any:
        """Call a function of the workshop on the setup, and show its progress."""

        def show(event: Event) -> None:
            self.progress(str(event["what"]), int(event["done"]), int(event["total"]))

        params = {"setup": to_builtins(self.setup), **params}
        return self.workshop.call(f"edgetool.pipeline.workshop:{function}", params, on_event=show)


class Ledger(Protocol):
    """Where the stages of trials are written down, beside the folder that they write to."""

    @property
    def path(self) -> Path:
        """The folder; files go to `artifacts` in it."""

    def finished(self, stage: Stage, key: str, recipe: str | None = None) -> bool:
        """Tell whether a stage was finished with the same inputs."""

    def finish(
        self, stage: StageRecord, artifacts: tuple[ArtifactRecord, ...] = (), failures: tuple[FailureRecord, ...] = ()
    ) -> None:
        """Write down a finished stage, with new or changed artefacts and what failed in it."""

    def of_trial(self, trial: str) -> tuple[ArtifactRecord, ...]:
        """Return the artefacts of a trial."""


@dataclass(slots=True)
class FolderLedger:
    """A ledger in memory, for trials in a folder of their own."""

    path: Path
    stages: list[StageRecord] = field(default_factory=list)
    artifacts: dict[str, ArtifactRecord] = field(default_factory=dict)
    failures: list[FailureRecord] = field(default_factory=list)

    def finished(self, stage: Stage, key: str, recipe: str | None = None) -> bool:
        """Tell whether a stage was finished with the same inputs."""
        same = (stage, recipe, key)
        return any((record.stage, record.recipe, record.key) == same for record in self.stages)

    def finish(
        self, stage: StageRecord, artifacts: tuple[ArtifactRecord, ...] = (), failures: tuple[FailureRecord, ...] = ()
    ) -> None:
        """Keep a finished stage, with new or changed artefacts and what failed in it."""
        self.stages.append(stage)
        self.artifacts |= {record.identity: record for record in artifacts}
        self.failures += failures

    def of_trial(self, trial: str) -> tuple[ArtifactRecord, ...]:
        """Return the artefacts of a trial."""
        return tuple(record for record in self.artifacts.values() if record.trial == trial)


@dataclass(frozen=True, slots=True)
class TrialResult:
    """What a trial gave.

    Attributes:
        trial: its identity.
        artifacts: that were made, with what is known of each; one that failed says so.
        failures: of passes and exports that left no artefact, as far as they happened now.
    """

    trial: str
    artifacts: tuple[ArtifactRecord, ...]
    failures: tuple[FailureRecord, ...]


def run_trial(recipe: Recipe, place: Workplace, ledger: Ledger, *, later: Sequence[Recipe] = ()) -> TrialResult:
    """Run the stages of a trial that are not finished yet.

    Args:
        recipe: passes in their order, and the formats to export.
        place: model, data and target.
        ledger: where it is written down; files go to its folder.
        later: trials still to come: what they share with this one is kept.

    Raises:
        DiskFullError: nothing can go on.
        EdgetoolError: the folder is gone, or a process is missing that says nothing of the candidate.
    """
    possible = tuple(name for name in recipe.exports if name not in place.prepared.unavailable)
    if possible:  # else the exporter itself says why there is nothing to make
        recipe = dataclasses.replace(recipe, exports=possible)
    trial = place.identify(recipe)
    failures = _build(recipe, trial, place, ledger, later)
    if ledger.of_trial(trial):
        _verify(recipe, trial, place, ledger)
        _evaluate(recipe, trial, place, ledger)
        _fit(recipe, trial, place, ledger)
    return TrialResult(trial, ledger.of_trial(trial), failures)


def _build(
    recipe: Recipe, trial: str, place: Workplace, ledger: Ledger, later: Sequence[Recipe]
) -> tuple[FailureRecord, ...]:
    """Run the passes and export; returns what failed."""
    key = hash_key(recipe.passes, recipe.exports)
    if ledger.finished("build", key, recipe.name):
        return ()
    started = time.monotonic()
    out = ledger.path / "artifacts"
    try:
        answer = place.call(
            "build", recipe=to_builtins(recipe), trial=trial, out=str(out.resolve()), later=to_builtins(later)
        )
    except DiskFullError:
        raise
    except EdgetoolError as exc:
        failure = FailureRecord.of(exc, stage="build", recipe=recipe.name)
        _tell(place, failure)
        ledger.finish(finished_stage("build", key, started, recipe.name), failures=(failure,))
        return (failure,)
    built = parse(Built, answer, source=recipe.name, error=EdgetoolError)
    errors = {name: from_dict(fields) for name, fields in built.failures.items()}
    for error in errors.values():
        if isinstance(error, DiskFullError):
            for record in built.artifacts:  # the stage is not finished: they belong to nothing
                (ledger.path / record.artifact.path).unlink(missing_ok=True)
            raise error
    failures = tuple(
        FailureRecord.of(error, stage="export", recipe=recipe.name, format=name) for name, error in errors.items()
    )
    _tell(place, *failures)
    stage = finished_stage("build", key, started, recipe.name, built.passes, built.skipped)
    ledger.finish(stage, built.artifacts, failures)
    return failures


def _verify(recipe: Recipe, trial: str, place: Workplace, ledger: Ledger) -> None:
    """Compare the files with the source model, and with each other."""
    artifacts = ledger.of_trial(trial)
    key = _key_of(artifacts)
    if ledger.finished("verify", key, recipe.name):
        return
    started = time.monotonic()
    records = verify_stage(
        artifacts,
        ledger.path,
        Path(place.setup.cache),
        recipe=recipe,
        task=place.prepared.task,
        runner=place.runner,
        progress=_named(place, recipe),
    )
    _tell(place, *(record.failure for record in records if record.failure is not None))
    ledger.finish(finished_stage("verify", key, started, recipe.name), records)


def _evaluate(recipe: Recipe, trial: str, place: Workplace, ledger: Ledger) -> None:
    """Measure the metric of the files on the validation split."""
    artifacts = ledger.of_trial(trial)
    key = _key_of(artifacts)
    if ledger.finished("evaluate", key, recipe.name):
        return
    started = time.monotonic()
    records = evaluate_stage(
        artifacts,
        ledger.path,
        Path(place.setup.cache),
        split="val",
        task=place.prepared.task,
        class_names=place.prepared.class_names,
        runner=place.runner,
        progress=_named(place, recipe),
    )
    ledger.finish(finished_stage("evaluate", key, started, recipe.name), records)


def _fit(recipe: Recipe, trial: str, place: Workplace, ledger: Ledger) -> None:
    """Ask what the files take on each runtime of the target."""
    artifacts = ledger.of_trial(trial)
    key = hash_key([record.artifact.digest for record in artifacts], place.target)
    if ledger.finished("fit", key, recipe.name):
        return
    started = time.monotonic()
    records = fit_stage(artifacts, ledger.path, place.fitter, target=place.target, progress=_named(place, recipe))
    ledger.finish(finished_stage("fit", key, started, recipe.name), records)


def _key_of(artifacts: Sequence[ArtifactRecord]) -> str:
    return hash_key([record.artifact.digest for record in artifacts])


def _named(place: Workplace, recipe: Recipe) -> Progress:
    return lambda what, done, total: place.progress(f"{recipe.name}: {what}", done, total)


def _tell(place: Workplace, *failures: FailureRecord) -> None:
    for failure in failures:
        place.progress(f"{failure.name} FAILED: {failure.subject}: {failure.found}", 1, 1)


def finished_stage(
    stage: Stage,
    key: str,
    started: float,
    recipe: str | None = None,
    passes: tuple[PassRecord, ...] = (),
    skipped: tuple[SkippedLayer, ...] = (),
) -> StageRecord:
    """Return the record of a stage that ends now.

    Args:
        stage: its kind.
        key: of its inputs.
        started: when it began, by `time.monotonic`.
        recipe: that it belongs to; None: the whole run.
        passes: what passes did.
        skipped: layers that passes left alone.
    """
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    return StageRecord(stage, key, time.monotonic() - started, now, recipe, passes, skipped)
