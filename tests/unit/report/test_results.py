"""Figures for other programs."""

from __future__ import annotations

import csv
import io
import json

from edgetool.report.collect import Run
from edgetool.report.results import CSV_COLUMNS, RESULTS_VERSION, make_results, to_csv
from edgetool.schema import to_json


def test_json_is_versioned_and_has_every_artefact(run: Run) -> None:
    found = json.loads(to_json(make_results([run])))
    assert RESULTS_VERSION in found.values()
    (only,) = found["runs"]
    assert [item["name"] for item in only["artifacts"]] == [row.name for row in run.rows]
    assert only["artifacts"][0]["size"]["raw"] == run.rows[0].record.size.raw


def test_csv_has_a_row_for_each_artefact_and_setting(run: Run) -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv([run]))))
    assert tuple(rows[0]) == CSV_COLUMNS
    assert len(rows) == sum(max(1, len(row.record.latency)) for row in run.rows)
    assert {row["artefact"] for row in rows} == {row.name for row in run.rows}
    assert float(rows[0]["raw_bytes"]) == run.rows[0].record.size.raw
