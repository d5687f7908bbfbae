"""The table of exporters."""

from __future__ import annotations

import pytest

from edgetool.exporters import EXPORTERS, load_exporter


@pytest.mark.parametrize("name", list(EXPORTERS))
def test_every_exporter_loads(name: str) -> None:
    assert load_exporter(name).__name__ == f"export_{name}"
