"""Scatter plots, laid out."""

from __future__ import annotations

import dataclasses

from edgetool.report.charts import HEIGHT, WIDTH, comparison_chart, run_charts
from edgetool.report.collect import Run, collect_run


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


def test_runs_share_one_chart_with_a_series_each_and_labels_of_what_was_chosen(run: Run) -> None:
    other = collect_run(run.manifest, "other")
    chart = comparison_chart([run, other])
    assert chart is not None
    assert chart.series_names == {"run0": "report", "run1": "other"} and chart.series == ("run0", "run1")
    assert len(chart.marks) == 2 * len([row for row in run.rows if row.record.evaluation is not None])
    labelled = {mark.label_text for mark in chart.marks if mark.label is not None}
    assert labelled <= {row.name for row in run.rows if row.chosen_as or row.record.is_reference}
    unlike = collect_run(dataclasses.replace(run.manifest, artifacts=(), source=None), "empty")
    assert comparison_chart([run, unlike]) is None


def test_no_label_is_struck_through_by_the_line_of_the_source_where_there_is_room(run: Run) -> None:
    for chart in run_charts(run, "r0"):
        assert chart.source_y is not None
        struck = [
            mark
            for mark in chart.marks
            if mark.label is not None and mark.label.box.top < chart.source_y < mark.label.box.bottom
        ]
        assert len(struck) <= 1
