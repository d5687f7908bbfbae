"""The stages that run artefacts: verify, evaluate, bench. Models run in children only."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from edgetool.data.dataset import Array, Split
from edgetool.errors import DiskFullError, EdgetoolError
from edgetool.evaluate.evaluate import evaluate_outputs
from edgetool.measure.latency import BenchItem, bench_artifacts
from edgetool.measure.wall_clock import plan_bench_time
from edgetool.pipeline.judge import judgement_of, parity_kind
from edgetool.pipeline.prepared_splits import read_split
from edgetool.recipes.recipe import Recipe
from edgetool.records import FLOAT32, ArtifactRecord, EvaluationRecord, FailedStage, FailureRecord, WeightFormat
from edgetool.runners.base import Runner, RunPlan
from edgetool.store.atomic import atomic_path
from edgetool.tasks import Task
from edgetool.verify.parity import ParityKind, compare_outputs, tolerance_for

__all__ = ["bench_stage", "evaluate_source", "evaluate_stage", "source_arrays", "verify_stage"]

Progress = Callable[[str, int, int], None]


def source_arrays(cache: Path, split: str) -> tuple[Array, ...]:
    """Return the source model's outputs on a prepared split, written by the workshop."""
    found: list[Array] = []
    while (path := cache / f"source_{split}_y{len(found)}.npy").exists():
        found.append(np.load(path, allow_pickle=False))
    return tuple(found)


def verify_stage(
    artifacts: Sequence[ArtifactRecord],
    run: Path,
    cache: Path,
    *,
    recipe: Recipe,
    task: Task,
    runner: Runner,
    progress: Progress,
) -> tuple[ArtifactRecord, ...]:
    """Compare every artefact of a recipe with the source model, and the TFLite file with the ONNX file.

    Args:
        artifacts: of one recipe.
        run: the folder that paths of artefacts are relative to.
        cache: holds the parity inputs and the source model's outputs on them.
        recipe: decides the tolerance: what it stores weights as, and whether it trains.
        task: whether there are classes to agree on.
        runner: where to run.
        progress: called as artefacts are done.
    """
    inputs = read_split(cache, "parity").inputs
    reference = source_arrays(cache, "parity")
    outputs: dict[str, tuple[Array, ...]] = {}
    checked: list[ArtifactRecord] = []
    for index, artifact in enumerate(artifacts):
        progress("verify", index, len(artifacts))
        judgement = judgement_of(recipe, asked_weights(artifact), task=task)
        try:
            found, _ = _run(run / artifact.artifact.path, inputs, runner)
            record = compare_outputs(
                reference,
                found,
                reference_name="source",
                artifact_name=artifact.name,
                kind=judgement.kind,
                split="validation",
                classes=task.has_classes,
                tolerance=judgement.tolerance,
                head_classes=task.head_classes,
            )
        except DiskFullError:
            raise
        except EdgetoolError as exc:
            checked.append(_failed(artifact, exc, "verify"))
            continue
        outputs[artifact.name] = found
        checked.append(dataclasses.replace(artifact, parity=(record,), failure=None))
    progress("verify", len(artifacts), len(artifacts))
    return _across_runtimes(checked, outputs, task=task)


def evaluate_source(
    cache: Path, split: str, task: Task, class_names: tuple[str, ...], *, runtime: str
) -> EvaluationRecord | None:
    """Return the source model's metric on a prepared split, as `runtime` ran it; None where there are no labels."""
    part = read_split(cache, split)
    outputs = source_arrays(cache, split)
    if not part.inputs or not outputs or not _can_be_scored(part, task):
        return None
    return evaluate_outputs(
        outputs,
        part,
        metric=task.metric,
        task=task.name,
        runtime=runtime,
        class_names=class_names,
        heads=task.heads,
    )


def evaluate_stage(
    artifacts: Sequence[ArtifactRecord],
    run: Path,
    cache: Path,
    *,
    split: Literal["val", "test"],
    task: Task,
    class_names: tuple[str, ...],
    runner: Runner,
    progress: Progress,
) -> tuple[ArtifactRecord, ...]:
    """Measure the task metric of every artefact with the file itself, on one split.

    Those that failed before, or were evaluated before a run was taken up again, are left as they are.
    """
    what = "evaluate" if split == "val" else "test"
    done: list[ArtifactRecord] = []
    for index, artifact in enumerate(artifacts):
        progress(what, index, len(artifacts))
        known = artifact.validation if split == "val" else artifact.evaluation
        if artifact.failure is None and known is None:
            artifact = _evaluated(artifact, run, cache, split, task, class_names, runner)
        done.append(artifact)
    progress(what, len(artifacts), len(artifacts))
    return tuple(done)


def _evaluated(
    artifact: ArtifactRecord,
    run: Path,
    cache: Path,
    split: Literal["val", "test"],
    task: Task,
    class_names: tuple[str, ...],
    runner: Runner,
) -> ArtifactRecord:
    """Return the artefact with its metric on a split, or with what kept it from being measured."""
    part = read_split(cache, split)
    if not part.inputs or not _can_be_scored(part, task):
        return artifact
    try:
        outputs, runtime = _run(run / artifact.artifact.path, part.inputs, runner)
        record = evaluate_outputs(
            outputs,
            part,
            metric=task.metric,
            task=task.name,
            runtime=runtime,
            class_names=class_names,
            reference_outputs=source_arrays(cache, split) or None,
            heads=task.heads,
        )
        record = dataclasses.replace(record, machine=runner.probe().key)
    except DiskFullError:
        raise
    except EdgetoolError as exc:
        return _failed(artifact, exc, "evaluate" if split == "val" else "test")
    if split == "val":
        return dataclasses.replace(artifact, validation=record)
    return dataclasses.replace(artifact, evaluation=record)


def bench_stage(
    artifacts: Sequence[ArtifactRecord],
    run: Path,
    *,
    settings: Sequence[RunPlan],
    bench_seconds: float | None,
    seconds_before: float,
    seed: int,
    runner: Runner,
    measurements: Path,
    progress: Progress,
) -> tuple[ArtifactRecord, ...]:
    """Measure the latency of all artefacts, interleaved in one run; raw samples go to `measurements`.

    What that will take is said before it begins.

    Args:
        artifacts: of the run; those that failed are left out.
        run: the run folder.
        settings: threads and batch.
        bench_seconds: timed inference of each artefact in each setting; None: see `plan_bench_time`.
        seconds_before: wall time of the stages before.
        seed: of the order of turns.
        runner: where to run.
        measurements: file of raw samples.
        progress: called as rounds are done.
    """
    usable = [artifact for artifact in artifacts if artifact.failure is None]
    references = {a.artifact.format: a.name for a in usable if a.is_reference}
    items = [BenchItem(a.name, run / a.artifact.path, references.get(a.artifact.format)) for a in usable]
    plan = plan_bench_time(
        bench_seconds, num_items=len(items), num_settings=len(settings), seconds_before=seconds_before
    )
    progress(
        f"bench {len(items)} artefacts in {len(settings)} settings: about {plan.expected_seconds:.0f} s, "
        f"at most {plan.wall_seconds:.0f} s",
        1,
        1,
    )
    with atomic_path(measurements) as temporary, temporary.open("w", encoding="utf-8") as stream:
        result = bench_artifacts(
            items,
            settings,
            seed=seed,
            seconds_per_item=plan.seconds_per_item,
            wall_seconds=plan.wall_seconds,
            progress=progress,
            on_samples=lambda sample: print(json.dumps(sample), file=stream),
            runner=runner,
        )
    for sentence in result.skipped:
        progress(f"bench {sentence}", 1, 1)
    done: list[ArtifactRecord] = []
    for artifact in artifacts:
        measured = dataclasses.replace(artifact, latency=result.records.get(artifact.name, ()))
        error = result.errors.get(artifact.name)
        done.append(measured if error is None else _failed(measured, error, "bench"))
    return tuple(done)


def _failed(artifact: ArtifactRecord, error: EdgetoolError, stage: FailedStage) -> ArtifactRecord:
    """Return the record of an artefact that a stage could not run."""
    record = FailureRecord.of(error, stage=stage, recipe=artifact.recipe, format=artifact.artifact.format)
    return dataclasses.replace(artifact, failure=record)


def _run(path: Path, inputs: tuple[Array, ...], runner: Runner) -> tuple[tuple[Array, ...], str]:
    """Return the outputs of an artefact and the runtime that made them."""
    session = runner.open(path, RunPlan(num_threads=1, timeout_s=1800.0))
    try:
        return session.outputs(inputs), session.runtime
    finally:
        session.close()


def asked_weights(artifact: ArtifactRecord) -> WeightFormat:
    """Return the format that the recipe of an artefact asked for."""
    return FLOAT32 if artifact.weights is None else artifact.weights.asked


def _can_be_scored(split: Split, task: Task) -> bool:
    return split.labels is not None or not task.needs_labels


def _across_runtimes(
    artifacts: Sequence[ArtifactRecord], outputs: dict[str, tuple[Array, ...]], *, task: Task
) -> tuple[ArtifactRecord, ...]:
    """Add the comparison of the ONNX file with the TFLite file of the same recipe."""
    tflite = next((a.name for a in artifacts if a.artifact.format == "tflite" and a.name in outputs), None)
    done: list[ArtifactRecord] = []
    for artifact in artifacts:
        if artifact.artifact.format == "onnx" and artifact.name in outputs and tflite is not None:
            weights = asked_weights(artifact)
            kind: ParityKind = "float" if parity_kind(weights, trains=False) == "float" else "runtimes"
            record = compare_outputs(
                outputs[tflite],
                outputs[artifact.name],
                reference_name=tflite,
                artifact_name=artifact.name,
                kind=kind,
                split="validation",
                classes=task.has_classes,
                head_classes=task.head_classes,
                tolerance=tolerance_for(kind, weights=weights),
            )
            artifact = dataclasses.replace(artifact, parity=(*artifact.parity, record))
        done.append(artifact)
    return tuple(done)
