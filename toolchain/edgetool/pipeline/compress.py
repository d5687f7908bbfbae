"""`edgetool compress`: from a trained model to verified, measured artefacts, stage by stage.

    prepare -> a trial for each recipe -> bench -> decide -> test split -> report

Each finished stage is written to the manifest at once; a killed run goes on after the last one. A recipe that fails is
recorded, and the others go on. What failed for want of memory, room or a process is tried again by the same command.
"""

from __future__ import annotations

import dataclasses
import datetime
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgetool.errors import BudgetError, EdgetoolError, ManifestError
from edgetool.pipeline.advice import training_advice
from edgetool.pipeline.decide import decide, refusals_of
from edgetool.pipeline.failures import errors_of
from edgetool.pipeline.setup import Identity, Prepared, Setup
from edgetool.pipeline.stages import bench_stage, evaluate_source, evaluate_stage
from edgetool.pipeline.trial import Progress, Workplace, finished_stage, run_trial
from edgetool.recipes.recipe import REFERENCE_RECIPE, Recipe, find_recipe
from edgetool.records import (
    SCHEMA_VERSION,
    ArtifactRecord,
    DataRecord,
    FailureRecord,
    Machine,
    Manifest,
    SourceRecord,
)
from edgetool.report.render import write_report
from edgetool.runners import open_runner
from edgetool.runners.base import RunPlan
from edgetool.runners.child import Child
from edgetool.schema import parse, to_builtins
from edgetool.store.run_folder import RunFolder, hash_key, require_room
from edgetool.targets import Target
from edgetool.version import __version__

if TYPE_CHECKING:
    from edgetool.runners.child import Event

__all__ = ["CompressRequest", "Outcome", "compress", "with_reference"]


@dataclass(frozen=True, slots=True)
class CompressRequest:
    """What to do.

    Attributes:
        setup: model, data and training; its cache folder is set by `compress`.
        recipes: in order; the float32 reference is put in front if it is missing.
        target: whose budgets count.
        max_drop_points: largest drop that a chosen artefact may have, on the validation split.
        settings: of the latency benchmark; empty: none.
        bench_seconds: how long each artefact is measured in each setting; None: the default, in a third of the run.
        command: as the user typed it, for the manifest.
    """

    setup: Setup
    recipes: tuple[Recipe, ...]
    target: Target
    max_drop_points: float
    out: Path
    overwrite: bool
    settings: tuple[RunPlan, ...]
    bench_seconds: float | None
    command: str


def with_reference(recipes: tuple[Recipe, ...]) -> tuple[Recipe, ...]:
    """Return `recipes` with the float32 reference first: ratios and agreement need it."""
    if any(recipe.name == REFERENCE_RECIPE for recipe in recipes):
        return recipes
    return (find_recipe(REFERENCE_RECIPE), *recipes)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to: its manifest, and everything that failed; the first error decides the exit code."""

    manifest: Manifest
    errors: tuple[EdgetoolError, ...]


def compress(request: CompressRequest, *, progress: Progress) -> Outcome:
    """Run all stages. A recipe that fails is among the outcome's errors; the others are finished.

    Raises:
        EdgetoolError: nothing can go on (no model, no data, a full disk); what was finished before is kept.
    """
    request = dataclasses.replace(request, recipes=with_reference(request.recipes))
    with Child(subject=request.setup.model) as workshop:
        answer = workshop.call("edgetool.pipeline.workshop:identify", {"setup": to_builtins(request.setup)})
        source = parse(Identity, answer, source="identify", error=EdgetoolError)
        fresh = _fresh_manifest(request, digest=source.digest)
        require_room(request.out, fresh, overwrite=request.overwrite)
        # Nothing is claimed for a model or data that cannot be loaded: the corrected command finds its place free.
        workshop.call(
            "edgetool.pipeline.workshop:check",
            {"setup": to_builtins(request.setup)},
            on_event=lambda event: progress(str(event["what"]), int(event["done"]), int(event["total"])),
        )
        if not request.setup.accept_source:
            workshop.call("edgetool.pipeline.workshop:check_source", {"setup": to_builtins(request.setup)})
        with RunFolder.open(request.out, fresh, overwrite=request.overwrite) as run:
            setup = dataclasses.replace(request.setup, cache=str(run.cache.resolve()))
            request = dataclasses.replace(request, setup=setup)
            return _Compression(request, run, workshop, source, progress).run_all()


class _Compression:
    """One run of the stages; holds what they share."""

    def __init__(
        self, request: CompressRequest, run: RunFolder, workshop: Child, source: Identity, progress: Progress
    ) -> None:
        self.request = request
        self.run = run
        self.workshop = workshop
        self.source = source
        self.progress = progress
        self.runner = open_runner(request.target)
        self.budget_error: BudgetError | None = None

    def run_all(self) -> Outcome:
        """Run the stages that are not finished yet."""
        if self.run.resumed:
            self.progress(f"resume: {len(self.run.manifest.stages)} stages are finished", 1, 1)
        prepared = self._prepare()
        self._run_trials(prepared)
        self._bench()
        self._decide()
        if self._test(prepared):
            self._decide()  # what cannot run is not chosen
        self.run.close()
        write_report(self.run.path)
        errors = errors_of(self.run.manifest)
        return Outcome(self.run.manifest, errors if self.budget_error is None else (*errors, self.budget_error))

    @property
    def artifacts(self) -> tuple[ArtifactRecord, ...]:
        """The artefacts of the manifest so far."""
        return self.run.manifest.artifacts

    def _run_trials(self, prepared: Prepared) -> None:
        """Run one trial for each recipe; they share the run's folder, and what passes they begin with."""
        request = self.request
        with Child(subject=str(request.out)) as fitter:
            place = Workplace(
                setup=request.setup,
                source_digest=self.source.digest,
                prepared=prepared,
                target=request.target,
                workshop=self.workshop,
                fitter=fitter,
                runner=self.runner,
                progress=self.progress,
            )
            for index, recipe in enumerate(request.recipes):
                run_trial(recipe, place, self.run, later=request.recipes[index + 1 :])

    def _call(self, function: str, **params: object) -> Any:
        def show(event: Event) -> None:
            self.progress(str(event["what"]), int(event["done"]), int(event["total"]))

        params = {"setup": to_builtins(self.request.setup), **params}
        return self.workshop.call(f"edgetool.pipeline.workshop:{function}", params, on_event=show)

    def _prepare(self) -> Prepared:
        """Prepare model and data, in every process anew: the arrays in the cache belong to this process."""
        started = time.monotonic()
        prepared = parse(Prepared, self._call("prepare"), source="prepare", error=EdgetoolError)
        self._require_same_data(prepared)
        self._call("source_outputs", split="parity")
        per_sample = 0.0
        for split in ("val", "test"):
            if split in prepared.splits:
                before = time.monotonic()
                self._call("source_outputs", split=split)
                per_sample = (time.monotonic() - before) / prepared.splits[split]
        stage = finished_stage("prepare", "", started)
        validation, evaluation = (
            evaluate_source(self.run.cache, split, prepared.task, prepared.class_names, runtime=prepared.runtime)
            for split in ("val", "test")
        )
        source = SourceRecord(
            path=self.request.setup.model,
            format=self.source.format,
            digest=self.source.digest,
            num_bytes=self.source.num_bytes,
            num_params=prepared.num_params,
            validation=validation,
            evaluation=evaluation,
        )
        data = DataRecord(
            name=prepared.data_name,
            source=prepared.data_source,
            digest=prepared.data_digest,
            splits=prepared.splits,
            preprocessing=self.request.setup.preprocessing.describe(),
            task=prepared.task.name,
            metric=prepared.task.metric,
            labels=prepared.labels,
            facts=prepared.facts,
        )
        advice = training_advice(
            self.request.recipes,
            num_train=0 if prepared.unavailable else prepared.splits.get("train", 0),
            seconds_per_sample=per_sample,
            epochs_scale=self.request.setup.training.epochs_scale,
        )
        self.run.finish(
            stage,
            source=source,
            data=data,
            machine=open_runner().probe(),
            machines=self._machines(),
            decided_on=prepared.decided_on,
            unavailable=prepared.unavailable,
            advice=advice,
        )
        return prepared

    def _machines(self) -> tuple[Machine, ...]:
        """Return the machines that ran artefacts so far, and the one that will run the others."""
        machine = self.runner.probe()
        before = self.run.manifest.machines
        return before if machine in before else (*before, machine)

    def _require_same_data(self, prepared: Prepared) -> None:
        before = self.run.manifest.data
        if before is not None and before.digest != prepared.data_digest:
            raise ManifestError(
                self.request.setup.data or "data",
                found=f"other data than the run began with (SHA-256 {prepared.data_digest[:16]}...)",
                expected=f"SHA-256 {before.digest[:16]}...",
                next_step="give those data again, choose another -o/--out, or give --overwrite",
            )

    def _bench(self) -> None:
        key = hash_key([artifact.artifact.digest for artifact in self.artifacts], self.request.settings)
        if not self.request.settings or self.run.finished("bench", key):
            return
        started = time.monotonic()
        records = bench_stage(
            self.artifacts,
            self.run.path,
            settings=self.request.settings,
            bench_seconds=self.request.bench_seconds,
            seconds_before=sum(stage.seconds for stage in self.run.manifest.stages),
            seed=self.request.setup.seed,
            runner=self.runner,
            measurements=self.run.measurements,
            progress=self.progress,
        )
        self.run.finish(finished_stage("bench", key, started), records)

    def _test(self, prepared: Prepared) -> bool:
        """Measure every artefact on the test split, once; returns whether one failed that had not failed before."""
        key = hash_key([artifact.artifact.digest for artifact in self.artifacts])
        if self.run.finished("test", key):
            return False
        started = time.monotonic()
        before = self.artifacts
        records = evaluate_stage(
            before,
            self.run.path,
            self.run.cache,
            split="test",
            task=prepared.task,
            class_names=prepared.class_names,
            runner=self.runner,
            progress=self.progress,
        )
        self.run.finish(finished_stage("test", key, started), records)
        return _failures(records) != _failures(before)

    def _decide(self) -> None:
        request = self.request
        self.budget_error = None
        source = None if self.run.manifest.source is None else self.run.manifest.source.validation
        decisions = decide(
            self.artifacts, source=source, target=request.target, max_drop_points=request.max_drop_points
        )
        refusals = refusals_of(
            self.artifacts, source=source, target=request.target, max_drop_points=request.max_drop_points
        )
        self.run.update(decisions=decisions, refusals=refusals)
        if all(decision.artifact is None for decision in decisions):
            self.budget_error = BudgetError(
                str(request.out),
                found=f"no artefact fits: {decisions[0].reason}",
                expected=f"one within {request.max_drop_points:g} points and the budgets of {request.target.name}",
                next_step="allow a larger --max-drop, choose another --target, or add recipes",
            )


def _failures(artifacts: tuple[ArtifactRecord, ...]) -> list[FailureRecord | None]:
    return [artifact.failure for artifact in artifacts]


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def _fresh_manifest(request: CompressRequest, *, digest: str) -> Manifest:
    setup = dataclasses.replace(request.setup, cache="")
    return Manifest(
        schema_version=SCHEMA_VERSION,
        edgetool_version=__version__,
        command=request.command,
        run_key=hash_key(
            setup,
            digest,
            [(r.name, r.passes, r.exports) for r in request.recipes],
            request.target,
            request.max_drop_points,
            request.settings,
            request.bench_seconds,
            __version__,
        ),
        created=_now(),
        status="running",
        seed=request.setup.seed,
        recipes=tuple(recipe.name for recipe in request.recipes),
        target=request.target.name,
        max_drop_points=request.max_drop_points,
        data=None,
        source=None,
        machine=None,
        device=request.target,
    )
