"""Which findings stop edgetool."""

from __future__ import annotations

from typing import Literal

import pytest

from edgetool.doctor.record import Finding


@pytest.mark.parametrize(
    ("status", "required", "failure"),
    [("ok", True, False), ("missing", True, True), ("broken", True, True), ("missing", False, False)],
)
def test_only_what_is_required_fails(status: Literal["ok", "missing", "broken"], required: bool, failure: bool) -> None:
    assert Finding("package", "onnx", status, required, "", "").is_failure is failure
