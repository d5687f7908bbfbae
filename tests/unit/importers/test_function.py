"""What functions of the user's may return, and what is said of the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgetool.errors import EdgetoolError, MissingFileError, UnsupportedModelError
from edgetool.importers import import_model
from edgetool.importers.base import ImportOptions

SOURCE = """
def number(): return 3
def pair(): return (1, 2)
def nothing(): return ()
def fail(): raise ValueError("no weights")
def wants(keras): return keras
value = 7
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "built_by_a_test.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))
    return "built_by_a_test"


@pytest.mark.parametrize(
    ("name", "error", "text"),
    [
        ("number", UnsupportedModelError, "returned a int"),
        ("pair", UnsupportedModelError, "a tuple of int, int"),
        ("nothing", UnsupportedModelError, "an empty tuple"),
        ("fail", UnsupportedModelError, "ValueError: no weights"),
        ("wants", UnsupportedModelError, "TypeError"),
        ("value", UnsupportedModelError, "a int"),
        ("gone", MissingFileError, "gone"),
    ],
)
def test_other_results_are_refused(module: str, name: str, error: type[EdgetoolError], text: str) -> None:
    with pytest.raises(error, match=text) as caught:
        import_model(f"{module}:{name}", ImportOptions())
    assert caught.value.subject == f"{module}:{name}"
