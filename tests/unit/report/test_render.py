"""Report files in a folder."""

from __future__ import annotations

import shutil
from pathlib import Path

from edgetool.report.collect import Run
from edgetool.report.render import FORMATS, render, write_report

GOLDEN = Path(__file__).parents[2] / "golden" / "report"


def test_all_files_of_a_run_folder(tmp_path: Path) -> None:
    shutil.copy(GOLDEN / "manifest.json", tmp_path / "manifest.json")
    written = write_report(tmp_path)
    assert sorted(path.name for path in written) == sorted(FORMATS.values())
    assert all(path.stat().st_size > 1000 for path in written)
    before = {path: path.read_bytes() for path in written}
    write_report(tmp_path)
    assert all(path.read_bytes() == content for path, content in before.items()), "the same run, the same bytes"


def test_only_what_is_asked_for(run: Run, tmp_path: Path) -> None:
    assert [path.name for path in render([run], ("csv",), tmp_path)] == ["results.csv"]
    assert [path.name for path in tmp_path.iterdir()] == ["results.csv"]
