"""`import edgetool` gives the Python interface."""

from __future__ import annotations

import pytest

import edgetool


def test_every_name_is_there() -> None:
    for name in edgetool.__all__:
        assert getattr(edgetool, name) is not None
    with pytest.raises(AttributeError, match="compres"):
        _ = edgetool.compres  # type: ignore[attr-defined]
