"""Scatter plots, laid out."""

from __future__ import annotations

from edgetool.report.charts import HEIGHT, WIDTH, run_charts
from edgetool.report.collect import Run


def test_size_and_latency_plots_hold_every_measured_artefact(run: Run) -> None:
    size, latency = run_charts(run, "r0")[:2]
    measured = {
        (row.record.recipe, row.record.artifact.format) for row in run.rows if row.record.evaluation is not None
    }
    shown = {(mark.point.label, mark.point.series) for mark in size.marks}
    assert {label for label, _ in shown} == {recipe for recipe, _ in measured} and len(shown) == len(measured)
    assert latency.marks and size.ident != latency.ident
    for mark in (*size.marks, *latency.marks):
        assert 0 <= mark.x <= WIDTH and 0 <= mark.y <= HEIGHT
        assert mark.y_high <= mark.y <= mark.y_low, "error bars enclose their point"
        assert mark.x_low <= mark.x <= mark.x_high


def test_larger_is_further_right_and_better_is_higher(run: Run) -> None:
    marks = run_charts(run, "r0")[0].marks
    by_size = sorted(marks, key=lambda mark: mark.point.x)
    assert [mark.x for mark in by_size] == sorted(mark.x for mark in marks)
    inside = sorted((mark for mark in marks if not mark.outside), key=lambda mark: mark.point.y)
    assert [mark.y for mark in inside] == sorted((mark.y for mark in inside), reverse=True)
