"""Sentences for people about a run and its artefacts, made of the facts that the records hold."""

from __future__ import annotations

import math
from collections.abc import Sequence

from edgetool.records import Advice, ArtifactRecord, GenerationRecord, Manifest
from edgetool.report import wording

__all__ = ["NO_LABELS", "artifact_notes", "run_notes"]

NO_LABELS = (
    "the data have no labels: files are scored against the source model's own answers, so that accuracy is agreement "
    "with it, and R2 how much of its outputs' variance they keep"
)

#: A file is told to be larger than float32 beyond this ratio.
LARGER = 1.05


def run_notes(manifest: Manifest) -> tuple[str, ...]:
    """Return what a reader should know of a run as a whole."""
    notes = [f"no .{name} files: {why}" for name, why in manifest.unavailable.items()]
    if manifest.advice is not None:
        notes.append(_advice(manifest.advice))
    if manifest.data is not None and manifest.data.labels == "source":
        notes.append(NO_LABELS)
    notes += [f"{refusal.artifact} {refusal.reason}" for refusal in manifest.refusals if refusal.is_budget]
    notes += _larger_than_float32(manifest.artifacts)
    return tuple(notes)


def artifact_notes(artifact: ArtifactRecord) -> tuple[str, ...]:
    """Return what a reader should know of an artefact: its own notes, and how varied what it generates is."""
    evaluation = artifact.evaluation
    if evaluation is None or evaluation.generation is None:
        return artifact.notes
    return (*artifact.notes, _variety(evaluation.generation))


def _larger_than_float32(artifacts: Sequence[ArtifactRecord]) -> list[str]:
    """Name files that a recipe made larger than float32 of the same format, as recurrent layers without their loop."""
    references = {record.artifact.format: record for record in artifacts if record.is_reference}
    notes = []
    for record in artifacts:
        reference = references.get(record.artifact.format)
        if reference is None or record.size.raw <= reference.size.raw * LARGER:
            continue
        notes.append(
            f"{record.name} is {record.size.raw / reference.size.raw:.1f} times as large as {reference.name}, "
            f"{record.size.raw:,} bytes for {reference.size.raw:,}: operators fill it, not weights"
        )
    return notes


def _advice(advice: Advice) -> str:
    return (
        f"no recipe of this run trains: --recipe {advice.recipe} on {advice.num_samples:,} samples would be worth "
        f"trying, about {wording.plural(advice.minutes, 'minute')} on this machine (an estimate from the model's "
        "forward pass)"
    )


def _variety(generation: GenerationRecord) -> str:
    return (
        f"test images: a classifier sees {generation.num_present} of {generation.num_classes} digits, the rarest in "
        f"{generation.rarest_share * 100:.1f} %, entropy {generation.entropy_nats:.3f} of "
        f"{math.log(generation.num_classes):.3f} nats, with a mean confidence of {generation.mean_confidence:.3f}"
    )
