"""Packages that are functions too."""

from __future__ import annotations

import pytest

import edgetool
import edgetool.embed.program
import edgetool.verify.parity
from edgetool.errors import MissingFileError


def test_importing_a_package_takes_no_function_away() -> None:
    assert edgetool.verify.parity.tolerance_from is not None  # type: ignore[attr-defined]
    with pytest.raises(MissingFileError, match="no-model"):
        edgetool.verify("no-model.onnx", "no-model.tflite")
    with pytest.raises(MissingFileError, match="no-model"):
        edgetool.embed("no-model.tflite")
