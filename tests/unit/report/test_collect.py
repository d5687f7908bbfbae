"""What follows from a manifest."""

from __future__ import annotations

import dataclasses

import pytest

from edgetool.errors import ExportError
from edgetool.records import FailureRecord, Manifest
from edgetool.report.collect import Run, collect_run


def test_ratios_and_drops_follow_from_the_records(run: Run) -> None:
    source = run.manifest.source
    assert source is not None and source.evaluation is not None
    for row in run.rows:
        reference = run.row(row.reference)
        assert reference is not None and reference.record.artifact.format == row.record.artifact.format
        assert row.size_ratio == pytest.approx(row.record.size.raw / reference.record.size.raw)
        if row.drop is not None and row.record.evaluation is not None:
            expected = (source.evaluation.value - row.record.evaluation.value) * 100
            assert row.drop.value == pytest.approx(expected)


def test_the_answer_names_the_first_decision(run: Run) -> None:
    chosen = run.manifest.decisions[0].artifact
    assert chosen is not None
    assert run.answer.fits is True and chosen in run.answer.headline
    row = run.row(chosen)
    assert row is not None and "recommended" in row.chosen_as


def test_no_artefact_fits(run: Run) -> None:
    none = tuple(dataclasses.replace(decision, artifact=None) for decision in run.manifest.decisions)
    found = collect_run(dataclasses.replace(run.manifest, decisions=none), "run")
    assert found.answer.fits is False and found.answer.headline.startswith("No")


def test_an_unfinished_run_has_no_answer(run: Run) -> None:
    found = collect_run(dataclasses.replace(run.manifest, decisions=(), status="running"), "run")
    assert found.answer.fits is None


def failed(manifest: Manifest, recipe: str, kind: str | None) -> FailureRecord:
    error = ExportError("model", found="no such operator", expected="another", next_step="leave it out")
    return FailureRecord.of(error, stage="export", recipe=recipe, format=kind)


def test_a_note_is_never_read_as_a_failure(run: Run) -> None:
    sound = next(row.record for row in run.rows if not row.problems)
    note = "float16 failed: so says a user's note"
    artifact = dataclasses.replace(sound, notes=(note,))
    found = collect_run(dataclasses.replace(run.manifest, artifacts=(artifact,), failures=()), "run")
    assert found.rows[0].notes == (note,) and not found.rows[0].problems
    assert not any("user's note" in failure for failure in found.failures)


def test_what_failed_stands_in_the_headline(run: Run) -> None:
    sound = [dataclasses.replace(row.record, invariants=()) for row in run.rows if not row.problems]
    manifest = dataclasses.replace(run.manifest, artifacts=tuple(sound), failures=())
    assert "Failed" not in collect_run(manifest, "run").answer.headline
    one = dataclasses.replace(manifest, failures=(failed(manifest, "float16", "onnx"),))
    found = collect_run(one, "run")
    assert found.answer.headline.startswith("Yes") and found.answer.headline.endswith("Failed: float16.onnx.")
    assert "float16.onnx failed: model: no such operator, expected another; leave it out" in found.failures
    many = tuple(failed(manifest, recipe, None) for recipe in run.manifest.recipes[1:7])
    headline = collect_run(dataclasses.replace(manifest, failures=many), "run").answer.headline
    assert headline.endswith("float16, w8_dynamic, w8a8_static, w8a16_static and 2 more.")


def test_an_artefact_that_could_not_be_run_is_in_the_headline_with_its_error_in_the_list(run: Run) -> None:
    failure = failed(run.manifest, "w8a8_static", "onnx")
    artifacts = tuple(
        dataclasses.replace(row.record, failure=failure) if row.name == "w8a8_static.onnx" else row.record
        for row in run.rows
    )
    found = collect_run(dataclasses.replace(run.manifest, artifacts=artifacts), "run")
    assert "w8a8_static.onnx" in found.answer.headline.partition("Failed:")[2]


def test_without_a_reference_that_runs_there_is_no_yes(run: Run) -> None:
    artifacts = tuple(
        dataclasses.replace(row.record, failure=failed(run.manifest, "float32", row.record.artifact.format))
        if row.record.is_reference
        else row.record
        for row in run.rows
    )
    found = collect_run(dataclasses.replace(run.manifest, artifacts=artifacts), "run").answer
    assert found.fits is False
    assert found.headline.startswith("No: float32.tflite") and "no such operator" in found.headline


def test_settings_begin_with_the_fewest_threads(run: Run) -> None:
    assert run.main_setting is not None and run.main_setting[:2] == ("cpu", 1)
