"""Several runs in one report."""

from __future__ import annotations

import dataclasses

from edgetool.report.collect import Run, collect_run
from edgetool.report.side_by_side import side_by_side


def test_artefacts_of_both_runs_stand_in_one_row(run: Run) -> None:
    fewer = dataclasses.replace(run.manifest, artifacts=run.manifest.artifacts[:2])
    first, *others = side_by_side([run, collect_run(fewer, "other")])
    assert [row[0].text for row in first.rows] == [run.name, "other"]
    size = others[0]
    assert [column.title for column in size.columns][1:] == [run.name, "other"]
    assert len(size.rows) == len(run.rows)
    assert size.rows[0][1].text == size.rows[0][2].text


def test_a_run_with_failures_says_how_many(run: Run) -> None:
    sound = dataclasses.replace(run.manifest, notes=(), failures=(), artifacts=run.manifest.artifacts[:2])
    first = side_by_side([run, collect_run(dataclasses.replace(sound, recipes=("float32",)), "other")])[0]
    assert [row[-1].text for row in first.rows] == ["complete, 2 failures", "complete"]
