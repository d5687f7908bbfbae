"""Notes are sentences about facts of the records."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from edgetool.records import Advice, EvaluationRecord, GenerationRecord, Manifest, Refusal
from edgetool.report.notes import NO_LABELS, artifact_notes, run_notes
from edgetool.store.manifest_io import load_manifest

GOLDEN = Path(__file__).parents[2] / "golden" / "report"


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    return load_manifest(GOLDEN)


def test_a_run_without_anything_to_tell_has_no_notes(manifest: Manifest) -> None:
    assert run_notes(manifest) == ()


def test_formats_that_the_source_cannot_become_are_named(manifest: Manifest) -> None:
    frozen = dataclasses.replace(manifest, unavailable={"tflite": "it came as ONNX"})
    assert run_notes(frozen) == ("no .tflite files: it came as ONNX",)


@pytest.mark.parametrize(("minutes", "words"), [(1, "about 1 minute on"), (12, "about 12 minutes on")])
def test_advice_names_a_recipe_and_its_price(manifest: Manifest, minutes: int, words: str) -> None:
    (note,) = run_notes(dataclasses.replace(manifest, advice=Advice("w8a8_qat", 6000, minutes)))
    assert "--recipe w8a8_qat on 6,000 samples" in note
    assert words in note and "an estimate" in note


def test_scores_against_the_source_are_told(manifest: Manifest) -> None:
    assert manifest.data is not None
    unlabelled = dataclasses.replace(manifest.data, labels="source")
    assert run_notes(dataclasses.replace(manifest, data=unlabelled)) == (NO_LABELS,)


def test_only_budgets_among_the_refusals_are_notes(manifest: Manifest) -> None:
    refusals = (Refusal("a.onnx", "flash", "needs 2 B of flash", 2, 1), Refusal("a.onnx", "drop", "drops", 2, 1))
    assert run_notes(dataclasses.replace(manifest, refusals=refusals)) == ("a.onnx needs 2 B of flash",)


def test_a_file_that_is_larger_than_float32_is_named(manifest: Manifest) -> None:
    reference = next(record for record in manifest.artifacts if record.is_reference)
    size = dataclasses.replace(reference.size, raw=5 * reference.size.raw)
    large = dataclasses.replace(reference, name="large.x", is_reference=False, size=size)
    (note,) = run_notes(dataclasses.replace(manifest, artifacts=(reference, large)))
    assert note.startswith(f"large.x is 5.0 times as large as {reference.name}, {size.raw:,} bytes for")
    other_format = dataclasses.replace(large, artifact=dataclasses.replace(large.artifact, format="c"))
    assert run_notes(dataclasses.replace(manifest, artifacts=(reference, other_format))) == ()


def test_generated_images_are_described(manifest: Manifest) -> None:
    record = manifest.artifacts[0]
    assert artifact_notes(record) == record.notes
    generation = GenerationRecord(9, 10, rarest_share=0.0, entropy_nats=2.1, mean_confidence=0.875)
    evaluation = EvaluationRecord("test", 10, "inception_score", 5.0, 0.1, "", "litert", generation=generation)
    note = artifact_notes(dataclasses.replace(record, evaluation=evaluation))[-1]
    assert note.startswith("test images: a classifier sees 9 of 10 digits, the rarest in 0.0 %, entropy 2.100 of 2.303")
    assert note.endswith("a mean confidence of 0.875")
