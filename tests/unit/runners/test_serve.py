"""The child's side: which functions may be called."""

from __future__ import annotations

import pytest

from edgetool.errors import EdgetoolError, InternalError
from edgetool.runners.serve import _internal, _resolve


def test_only_functions_of_edgetool_are_found() -> None:
    assert _resolve("edgetool.errors:EdgetoolError") is EdgetoolError
    with pytest.raises(InternalError, match="outside edgetool"):
        _resolve("shutil:rmtree")


def test_a_defect_names_its_line() -> None:
    try:
        raise KeyError("missing")
    except KeyError as exc:
        found = _internal("module:function", exc)
    assert "KeyError" in found.found and "test_serve.py:" in found.found
