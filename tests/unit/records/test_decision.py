"""Reasons why an artefact cannot be chosen are told apart by their rule."""

from __future__ import annotations

import pytest

from edgetool.records import Refusal, Rule


@pytest.mark.parametrize(("rule", "is_budget"), [("flash", True), ("ram", True), ("runtime", True), ("drop", False)])
def test_budgets_are_those_of_the_target(rule: Rule, is_budget: bool) -> None:
    assert Refusal("a.onnx", rule, "a sentence").is_budget is is_budget
