"""The answer of a run: what fits, in how much of the device, decided on which samples."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from edgetool.records import Decision, Manifest, RuntimeFit, ValidationSplit
from edgetool.report.collect import collect_run
from edgetool.store.manifest_io import load_manifest
from edgetool.targets import find_target

GOLDEN = Path(__file__).parents[2] / "golden" / "report"


def manifest(**changes: object) -> Manifest:
    return dataclasses.replace(load_manifest(GOLDEN), **changes)  # type: ignore[arg-type]


def on_a_board() -> Manifest:
    run = manifest()
    fit = RuntimeFit("c", 90_000, 50_000)
    name = "w8a8_static.tflite"
    artifacts = [dataclasses.replace(a, fits=(fit,)) if a.name == name else a for a in run.artifacts]
    chosen = Decision("recommended", name, "90,000 bytes", "c")
    return manifest(
        artifacts=tuple(artifacts), decisions=(chosen,), device=find_target("stm32h743"), target="stm32h743"
    )


def test_a_budget_is_shown_with_both_numbers_the_share_and_the_command() -> None:
    answer = collect_run(on_a_board(), "run").answer
    assert "90.0 kB (4.3 % of its flash)" in answer.headline
    assert "Of stm32h743's flash: 90,000 of 2,097,152 bytes, 4.3 % (constants; code comes on top)." in answer.notes
    assert "Of stm32h743's RAM: 50,000 of 524,288 bytes, 9.5 % (activations)." in answer.notes
    assert "Build it in: edgetool embed run --runtime c -o run-bundle" in answer.notes


def test_the_machine_itself_has_no_budget_lines() -> None:
    assert not [line for line in collect_run(manifest(), "run").answer.notes if "edgetool embed" in line]


def test_samples_that_the_model_may_know_are_named_in_the_headline() -> None:
    seen = collect_run(manifest(), "run").answer
    assert "Decided on 807 samples of its own training data." in seen.headline
    assert any("x_val" in line for line in seen.notes)
    unseen = collect_run(manifest(decided_on=ValidationSplit(807, 807, is_carved=False, is_seen=False)), "run").answer
    assert "training data" not in unseen.headline and not any("x_val" in line for line in unseen.notes)


def test_the_smallest_step_and_the_interval_are_told_and_a_limit_below_the_step() -> None:
    few = ValidationSplit(40, 40, is_carved=True, is_seen=True)
    details = collect_run(manifest(decided_on=few), "run").answer.notes
    assert "One answer of 40 on validation is 2.5 points." in details
    assert any("95 % interval" in line for line in details)
    assert any(line.startswith("The limit of 1 point is below that step") for line in details)
    many = collect_run(manifest(), "run").answer.notes
    assert not any("below that step" in line for line in many)
