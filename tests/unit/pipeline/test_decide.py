"""Which artefact is chosen, and why another is not."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from edgetool.artifact import Artifact, Provenance, Signature
from edgetool.pipeline.decide import broken_budgets, decide, refusal
from edgetool.store.manifest import (
    ArtifactRecord,
    EvaluationRecord,
    InvariantRecord,
    LatencyRecord,
    ParityRecord,
    SizeRecord,
)
from edgetool.targets import find_target


def evaluation(value: float) -> EvaluationRecord:
    return EvaluationRecord("val", 100, "accuracy", value, 0.01, "binomial", "LiteRT")


def latency(p50: float, threads: int = 1) -> LatencyRecord:
    return LatencyRecord(
        "cpu", "LiteRT", threads, 1, (), 10, 100, p50, p50, p50, p50, p50, p50, p50, 0.0, 1.0, 1.0, 1, "quiet", ""
    )


def record(name: str, raw: int, accuracy: float, p50: float, **changes: Any) -> ArtifactRecord:
    artifact = Artifact(f"{name}.tflite", "tflite", Signature((), ()), "d" * 64, raw, Provenance("", "export"))
    made = ArtifactRecord(
        name, name, artifact, SizeRecord(raw, raw, raw), 0, 0, 1000, (), validation=evaluation(accuracy),
        latency=(latency(p50),),
    )  # fmt: skip
    return dataclasses.replace(made, **changes)


HOST = find_target("host")
SOURCE = evaluation(0.90)
SMALL, FAST, WRONG = record("small", 100, 0.895, 30.0), record("fast", 200, 0.90, 10.0), record("wrong", 50, 0.80, 5.0)


def test_the_smallest_and_the_fastest_within_the_limit() -> None:
    smallest, fastest = decide([SMALL, FAST, WRONG], source=SOURCE, target=HOST, max_drop_points=1.0)
    assert (smallest.artifact, fastest.artifact) == ("small", "fast")
    assert "100 bytes" in smallest.reason and "-0.50 points" in smallest.reason


def test_a_looser_limit_changes_the_choice() -> None:
    smallest, fastest = decide([SMALL, FAST, WRONG], source=SOURCE, target=HOST, max_drop_points=10.0)
    assert smallest.artifact == fastest.artifact == "wrong"


def test_nothing_fits_and_every_reason_is_told() -> None:
    smallest, _ = decide([WRONG], source=SOURCE, target=HOST, max_drop_points=1.0)
    assert smallest.artifact is None
    assert "wrong: validation accuracy drops by 10.00, more than 1" in smallest.reason


def test_budgets_name_both_numbers() -> None:
    target = find_target("stm32h743")
    big = record("big", 10_000_000, 0.9, 1.0, arena_bytes=5_000_000)
    flash, ram = broken_budgets(big, target)
    assert "10,000,000" in flash and "2,097,152" in flash
    assert "5,000,000" in ram
    assert broken_budgets(SMALL, target) == ()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"failure": "it crashed"}, "it crashed"),
        ({"invariants": (InvariantRecord("conv", "sparsity", 0.8, 0.5, False),)}, "invariant"),
        (
            {"parity": (ParityRecord("a", "b", "float", "val", 1, 1.0, 1.0, (), None, "1e-4", False),)},
            "do not agree",
        ),
    ],
)
def test_a_broken_artefact_is_never_chosen(changes: dict[str, Any], reason: str) -> None:
    broken = dataclasses.replace(SMALL, **changes)
    found = refusal(broken, source=SOURCE, target=HOST, max_drop_points=1.0)
    assert found is not None and reason in found
