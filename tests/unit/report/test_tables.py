"""Tables about artefacts."""

from __future__ import annotations

import dataclasses

from edgetool.report import tables
from edgetool.report.collect import Run, collect_run


def column(table: tables.Table, title: str) -> list[str]:
    index = next(i for i, item in enumerate(table.columns) if item.title == title)
    return [row[index].text for row in table.rows]


def test_the_summary_has_every_artefact_and_its_bytes(run: Run) -> None:
    table = tables.summary_table(run)
    assert column(table, "Artefact") == [row.name for row in run.rows]
    assert column(table, "Bytes") == [f"{row.record.size.raw:,}" for row in run.rows]
    badges = {cell.text: cell.badges for cell in (row[0] for row in table.rows)}
    recommended = run.manifest.decisions[0].artifact
    assert recommended is not None and "recommended" in badges[recommended]


def test_sizes_name_their_compressors(run: Run) -> None:
    table = tables.size_table(run)
    assert column(table, "gzip -9") == [f"{row.record.size.gzip:,}" for row in run.rows]
    assert any(item.title.startswith("zstd -") for item in table.columns)


def test_latency_has_a_row_for_each_setting(run: Run) -> None:
    assert len(tables.latency_table(run).rows) == sum(len(row.record.latency) for row in run.rows)


def test_latency_never_passes_for_that_of_a_board(run: Run) -> None:
    board = collect_run(dataclasses.replace(run.manifest, target="stm32h743"), "run")
    assert "on the machine below, not on stm32h743" in tables.latency_table(board).caption
    assert "not on" not in tables.latency_table(run).caption


def test_accuracy_and_classes(run: Run) -> None:
    assert len(tables.accuracy_table(run).rows) >= len([row for row in run.rows if row.record.evaluation is not None])
    classes = tables.class_table(run)
    assert classes is not None and classes.rows


def test_generated_images_have_shares_and_no_accuracy_of_classes(run: Run) -> None:
    rows = tuple(
        dataclasses.replace(
            row,
            record=dataclasses.replace(
                row.record,
                evaluation=row.record.evaluation
                and dataclasses.replace(row.record.evaluation, metric="inception_score"),
            ),
        )
        for row in run.rows
    )
    found = tables.class_table(dataclasses.replace(run, rows=rows))
    before = tables.class_table(run)
    assert found is not None and before is not None
    assert found.title == "Share of each class" and "judge takes for each class" in found.caption
    assert before.title == "Accuracy of each class" and found.rows == before.rows
