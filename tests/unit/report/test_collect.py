"""What follows from a manifest."""

from __future__ import annotations

import dataclasses

import pytest

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


def test_failures_are_told_from_notes(run: Run) -> None:
    notes = (f"{run.manifest.recipes[1]} failed: out of luck", "a plain note")
    found = collect_run(dataclasses.replace(run.manifest, notes=notes), "run")
    assert notes[0] in found.failures and found.notes == ("a plain note",)


def test_settings_begin_with_the_fewest_threads(run: Run) -> None:
    assert run.main_setting is not None and run.main_setting[:2] == ("cpu", 1)
