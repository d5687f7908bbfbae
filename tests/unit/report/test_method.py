"""Tables about how a run was made and checked."""

from __future__ import annotations

import dataclasses

from edgetool.report import method
from edgetool.report.collect import Run


def test_parity_has_every_comparison(run: Run) -> None:
    table = method.parity_table(run)
    assert len(table.rows) == sum(len(row.record.parity) for row in run.rows)
    result = [column.title for column in table.columns].index("Result")
    assert {row[result].text for row in table.rows} <= {"passed", "failed"}


def test_invariants_and_skipped_layers(run: Run) -> None:
    invariants = method.invariant_table(run)
    assert invariants is not None and len(invariants.rows) > 0
    skipped = method.skipped_table(run)
    expected = sum(len(stage.skipped_layers) for stage in run.manifest.stages)
    assert (skipped is None) == (expected == 0)


def test_layers_are_cut_off_and_say_so(run: Run) -> None:
    row = next(row for row in run.rows if len(row.record.layers) > 2)
    table = method.layer_table(row, 2)
    assert len(table.rows) < len(row.record.layers) + 1
    assert method.layer_table(row, 10_000).rows != table.rows


def test_facts_of_run_data_and_machine(run: Run) -> None:
    facts = dict((*method.run_facts(run.manifest), *method.machine_facts(run.manifest)))
    assert run.manifest.command in facts.values()
    assert run.manifest.machine is not None and any(run.manifest.machine.cpu in value for value in facts.values())
    data = dict(method.data_facts(run.manifest))
    assert data["Splits"] == "train 7,261, val 807, test 825"
    assert data["Validation split"] == "807 samples carved from train, seed 0"
    assert method.data_facts(dataclasses.replace(run.manifest, data=None)) == ()
    assert len(method.stage_table(run).rows) == len(run.manifest.stages)
