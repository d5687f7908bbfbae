"""Several runs in one report."""

from __future__ import annotations

import dataclasses

from edgetool.records import ArtifactRecord
from edgetool.report.collect import Run, collect_run
from edgetool.report.side_by_side import side_by_side


def test_artefacts_of_both_runs_stand_in_one_row(run: Run) -> None:
    fewer = dataclasses.replace(run.manifest, artifacts=run.manifest.artifacts[:2])
    first, *others = side_by_side([run, collect_run(fewer, "other")])
    assert [row[0].text for row in first.rows] == [run.name, "other"]
    size = others[0]
    assert [column.title for column in size.columns][1:] == [run.name, "other", "other against report"]
    assert len(size.rows) == len(run.rows)
    assert size.rows[0][1].text == size.rows[0][2].text


def test_a_run_with_failures_says_how_many(run: Run) -> None:
    sound = dataclasses.replace(run.manifest, failures=(), artifacts=run.manifest.artifacts[:2])
    first = side_by_side([run, collect_run(dataclasses.replace(sound, recipes=("float32",)), "other")])[0]
    assert [row[-1].text for row in first.rows] == ["complete, 2 failures", "complete"]


def test_changes_from_the_first_run_to_the_last_are_told_with_their_sign(run: Run) -> None:
    def changed(artifact: ArtifactRecord) -> ArtifactRecord:
        assert artifact.evaluation is not None
        size = dataclasses.replace(artifact.size, raw=artifact.size.raw // 2)
        evaluation = dataclasses.replace(artifact.evaluation, value=artifact.evaluation.value - 0.2)
        return dataclasses.replace(artifact, size=size, evaluation=evaluation)

    other = dataclasses.replace(run.manifest, artifacts=tuple(changed(a) for a in run.manifest.artifacts))
    _, size, metric, latency = side_by_side([run, collect_run(other, "other")])
    assert (size.rows[0][-1].text, size.rows[0][-1].tone) == ("\u221250.0 %", "good")
    assert (metric.rows[0][-1].text, metric.rows[0][-1].tone) == ("\u221220.00 points", "bad")
    assert latency.rows[2][-1].text.startswith("0.00")
