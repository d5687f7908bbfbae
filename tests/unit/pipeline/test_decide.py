"""Which artefact is chosen, and why another is not."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from edgetool.artifact import Artifact, Provenance, Signature
from edgetool.errors import InterpreterCrashError
from edgetool.pipeline.decide import broken_budgets, decide, placed_on, refusal, refusals_of
from edgetool.records import (
    ArtifactRecord,
    Decision,
    EvaluationRecord,
    FailureRecord,
    InvariantRecord,
    LatencyRecord,
    ParityRecord,
    Refusal,
    RuntimeFit,
    SizeRecord,
    Tolerance,
)
from edgetool.targets import Target, find_target

DIFFERENT = ParityRecord("a", "b", "float", "val", 1, 1.0, 1.0, (), None, Tolerance(max_abs_error=1e-4), False)
CRASH = InterpreterCrashError("small.onnx", found="it crashed", expected="an answer", next_step="export again")


def evaluation(value: float) -> EvaluationRecord:
    return EvaluationRecord("val", 100, "accuracy", value, 0.01, "binomial", "LiteRT")


def latency(p50: float, threads: int = 1) -> LatencyRecord:
    return LatencyRecord(
        "cpu", "LiteRT", threads, 1, (), 10, 100, p50, p50, p50, p50, p50, p50, p50, 0.0, 1.0, 1.0, 1, "quiet", ""
    )


def record(name: str, raw: int, accuracy: float, p50: float, **changes: Any) -> ArtifactRecord:
    artifact = Artifact(f"{name}.tflite", "tflite", Signature((), ()), "d" * 64, raw, Provenance("", "export"))
    made = ArtifactRecord(
        name,
        name,
        artifact,
        SizeRecord(raw, raw, raw),
        0,
        0,
        1000,
        (),
        validation=evaluation(accuracy),
        latency=(latency(p50),),
    )
    return dataclasses.replace(made, **changes)


HOST = find_target("host")
SOURCE = evaluation(0.90)
SMALL, FAST, WRONG = record("small", 100, 0.895, 30.0), record("fast", 200, 0.90, 10.0), record("wrong", 50, 0.80, 5.0)


def choose(artifacts: list[ArtifactRecord], target: Target = HOST, max_drop_points: float = 1.0) -> dict[str, Decision]:
    decisions = decide(artifacts, source=SOURCE, target=target, max_drop_points=max_drop_points)
    return {decision.purpose: decision for decision in decisions}


def test_the_smallest_and_the_fastest_within_the_limit() -> None:
    chosen = choose([SMALL, FAST, WRONG])
    assert (chosen["smallest"].artifact, chosen["fastest"].artifact) == ("small", "fast")
    assert "100 bytes" in chosen["smallest"].reason and "-0.50 points" in chosen["smallest"].reason


def test_a_looser_limit_changes_the_choice() -> None:
    assert {decision.artifact for decision in choose([SMALL, FAST, WRONG], max_drop_points=10.0).values()} == {"wrong"}


def test_nothing_fits_and_every_reason_is_told() -> None:
    chosen = choose([WRONG])
    assert {decision.artifact for decision in chosen.values()} == {None}
    assert "wrong: validation accuracy drops by 10.00, more than 1" in chosen["recommended"].reason


def test_of_two_sizes_that_are_nearly_the_same_the_faster_is_the_smallest() -> None:
    slower, faster = record("slower", 1000, 0.9, 30.0), record("faster", 1019, 0.9, 20.0)
    assert choose([slower, faster])["smallest"].artifact == "faster"
    assert "within 2 %" in choose([slower, faster])["smallest"].reason
    assert choose([slower, record("larger", 1021, 0.9, 20.0)])["smallest"].artifact == "slower"


def test_nothing_slower_than_float32_is_recommended() -> None:
    reference = record("float32", 1000, 0.9, 20.0, is_reference=True)
    slow, quick = record("slow", 250, 0.9, 21.0), record("quick", 600, 0.9, 19.0)
    assert choose([reference, slow, quick])["recommended"].artifact == "quick"
    alone = choose([reference, slow])["recommended"]
    assert alone.artifact == "float32" and "slower than float32" in alone.reason


def test_nothing_larger_than_float32_is_recommended() -> None:
    reference = record("float32", 1000, 0.9, 20.0, is_reference=True)
    written_out, smaller = record("written_out", 5000, 0.9, 2.0), record("smaller", 900, 0.9, 19.0)
    chosen = choose([reference, written_out, smaller])
    assert chosen["recommended"].artifact == "smaller" and chosen["fastest"].artifact == "written_out"
    assert choose([reference, written_out])["recommended"].artifact == "float32"


def test_what_another_artefact_beats_in_everything_is_never_chosen() -> None:
    reference = record("float32", 1000, 0.9, 20.0, is_reference=True)
    worse, better = record("worse", 300, 0.895, 15.0), record("better", 290, 0.9, 12.0)
    chosen = choose([reference, worse, better])
    assert {decision.artifact for decision in chosen.values()} == {"better"}
    assert "3.45 times smaller and 1.67 times faster than float32" in chosen["recommended"].reason


def test_without_latency_the_smallest_is_recommended() -> None:
    untimed = [dataclasses.replace(item, latency=()) for item in (SMALL, FAST)]
    chosen = choose(untimed)
    assert chosen["recommended"].artifact == chosen["smallest"].artifact == "small"
    assert chosen["fastest"].artifact is None and chosen["fastest"].reason == "no latency was measured"


def test_a_choice_runs_on_its_target() -> None:
    board = find_target("stm32h743")
    dynamic = record("dynamic", 80, 0.9, 1.0, fits=(RuntimeFit("c", 0, 0, "no kernel for hybrid weights"),))
    static = record("static", 120, 0.9, 9.0, fits=(RuntimeFit("c", 90, 4000), RuntimeFit("tflm", 120, 6000)))
    chosen = choose([dynamic, static], board)
    assert (chosen["recommended"].artifact, chosen["recommended"].runtime) == ("static", "c")
    assert chosen["fastest"].artifact is None and "not on stm32h743" in chosen["fastest"].reason
    assert placed_on(dynamic, board) is None
    (refused,) = broken_budgets(dynamic, board)
    assert refused == Refusal("dynamic", "runtime", "cannot run on stm32h743: c: no kernel for hybrid weights")


def test_the_next_runtime_is_taken_where_the_first_does_not_fit() -> None:
    board = dataclasses.replace(find_target("stm32h743"), flash_bytes=100)
    fits = (RuntimeFit("c", 150, 10), RuntimeFit("tflm", 90, 10))
    fit = placed_on(record("net", 90, 0.9, 1.0, fits=fits), board)
    assert fit is not None and fit.runtime == "tflm"


def test_budgets_name_both_numbers() -> None:
    target = find_target("stm32h743")
    big = record("big", 10_000_000, 0.9, 1.0, arena_bytes=5_000_000)
    flash, ram = broken_budgets(big, target)
    assert "10,000,000" in flash.reason and "2,097,152" in flash.reason
    assert (flash.rule, flash.found, flash.limit) == ("flash", 10_000_000, 2_097_152)
    assert "5,000,000" in ram.reason and ram.rule == "ram"
    assert broken_budgets(SMALL, target) == ()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"failure": FailureRecord.of(CRASH, stage="verify", recipe="r", format="onnx")}, "it crashed"),
        ({"invariants": (InvariantRecord("conv", "sparsity", 0.8, 0.5, False),)}, "invariant"),
        (
            {
                "parity": (
                    ParityRecord("a", "b", "float", "val", 1, 1.0, 1.0, (), None, Tolerance(max_abs_error=1e-4), False),
                )
            },
            "do not agree",
        ),
    ],
)
def test_a_broken_artefact_is_never_chosen(changes: dict[str, Any], reason: str) -> None:
    broken = dataclasses.replace(SMALL, **changes)
    found = refusal(broken, source=SOURCE, target=HOST, max_drop_points=1.0)
    assert found is not None and reason in found.reason


def test_every_reason_of_every_artefact_is_a_record() -> None:
    target = dataclasses.replace(find_target("stm32h743"), flash_bytes=120)
    wrong_and_big = record("both", 200, 0.80, 5.0)
    refusals = refusals_of([SMALL, wrong_and_big], source=SOURCE, target=target, max_drop_points=1.0)
    assert [(item.artifact, item.rule, item.is_budget) for item in refusals] == [
        ("both", "flash", True),
        ("both", "drop", False),
    ]
    assert refusals[1].found == pytest.approx(10.0)
