"""The report of one invented run, byte for byte. Renew it with `python tests/golden/report/make.py --golden`."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgetool.report.collect import collect_runs
from edgetool.report.render import render

GOLDEN = Path(__file__).parent / "report"


@pytest.mark.parametrize(("kind", "name"), [("md", "report.md"), ("csv", "results.csv")])
def test_the_report_is_as_it_was_read_and_kept(tmp_path: Path, kind: str, name: str) -> None:
    render(collect_runs([GOLDEN]), (kind,), tmp_path)
    assert (tmp_path / name).read_text() == (GOLDEN / name).read_text()
