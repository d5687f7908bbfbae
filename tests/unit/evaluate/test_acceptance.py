"""Why an artefact's answers rule it out."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from edgetool.artifact import Artifact, Provenance, Signature
from edgetool.evaluate.acceptance import answers_refusal, validation_drop
from edgetool.records import (
    ArtifactRecord,
    EvaluationRecord,
    HeadRecord,
    InvariantRecord,
    ParityRecord,
    Refusal,
    Rule,
    SizeRecord,
    Tolerance,
)


def evaluation(value: float, metric: str = "accuracy") -> EvaluationRecord:
    return EvaluationRecord("val", 100, metric, value, 0.01, "binomial", "LiteRT")


ARTIFACT = ArtifactRecord(
    "a.tflite",
    "a",
    Artifact("a.tflite", "tflite", Signature((), ()), "d" * 64, 9, Provenance("", "export")),
    SizeRecord(9, 9, 9),
    0,
    0,
    9,
    (),
    validation=evaluation(0.89),
)
SOURCE = evaluation(0.90)
BROKEN = InvariantRecord("conv", "sparsity", 0.8, 0.5, False)
DIFFERENT = ParityRecord("a", "b", "float", "val", 1, 1.0, 1.0, (), None, Tolerance(max_abs_error=1e-4), False)


def test_a_drop_within_the_limit_is_accepted_and_one_at_the_limit_too() -> None:
    assert answers_refusal(ARTIFACT, source=SOURCE, max_drop_points=1.0) is None
    refusal = answers_refusal(ARTIFACT, source=SOURCE, max_drop_points=0.5)
    assert refusal is not None and refusal.reason == "validation accuracy drops by 1.00, more than 0.5"
    assert (refusal.rule, refusal.limit) == ("drop", 0.5)
    assert refusal.found == pytest.approx(1.0)


def test_without_labels_there_is_no_drop() -> None:
    assert validation_drop(ARTIFACT, None) is None
    assert answers_refusal(ARTIFACT, source=None, max_drop_points=0.0) is None


def test_of_several_outputs_the_worst_decides() -> None:
    heads = (HeadRecord("depth", "r2", 0.7, 0.01, "source", 3.0), HeadRecord("odd", "accuracy", 0.9, 0.01, "data", 0.1))
    several = dataclasses.replace(ARTIFACT, validation=dataclasses.replace(evaluation(0.90), heads=heads))
    assert validation_drop(several, SOURCE) == pytest.approx(3.0)
    refusal = answers_refusal(several, source=SOURCE, max_drop_points=1.0)
    assert refusal is not None and refusal.reason == "validation r2 of depth drops by 3.00, more than 1"


def test_errors_drop_in_percent() -> None:
    worse = dataclasses.replace(ARTIFACT, validation=evaluation(1.1, "mae"))
    assert validation_drop(worse, evaluation(1.0, "mae")) == pytest.approx(10.0)


@pytest.mark.parametrize(
    ("changes", "rule", "reason"),
    [
        ({"failure": "it crashed"}, "failure", "it crashed"),
        (
            {"invariants": (BROKEN,)},
            "invariant",
            "an invariant is broken",
        ),
        (
            {
                "parity": (
                    ParityRecord("a", "b", "float", "val", 1, 1.0, 1.0, (), None, Tolerance(max_abs_error=1e-4), False),
                )
            },
            "parity",
            "its outputs do not agree",
        ),
    ],
)
def test_broken_artefacts_are_never_accepted(changes: dict[str, Any], rule: Rule, reason: str) -> None:
    broken = dataclasses.replace(ARTIFACT, **changes)
    refusal = answers_refusal(broken, source=SOURCE, max_drop_points=99.0)
    assert refusal == Refusal(ARTIFACT.name, rule, reason)
