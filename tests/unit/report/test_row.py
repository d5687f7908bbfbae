"""A row finds the latency of one setting."""

from __future__ import annotations

from edgetool.report.collect import Run
from edgetool.report.row import setting_of


def test_a_latency_is_found_by_its_setting(run: Run) -> None:
    timed = next(row for row in run.rows if len(row.record.latency) > 1)
    for record in timed.record.latency:
        assert timed.latency(setting_of(record)) is record
    assert timed.latency(("gpu", 9, 9)) is None and timed.latency(None) is None
