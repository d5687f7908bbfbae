"""The invented run that the report's tests show."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgetool.report.collect import Run, collect_run
from edgetool.store.manifest_io import load_manifest

GOLDEN = Path(__file__).parents[2] / "golden" / "report"


@pytest.fixture(scope="session")
def run() -> Run:
    return collect_run(load_manifest(GOLDEN), "report")
