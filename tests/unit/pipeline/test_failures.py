"""The errors that a run ends with."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from edgetool.errors import ExportError, InterpreterCrashError
from edgetool.pipeline.failures import errors_of
from edgetool.records import FailureRecord
from edgetool.store.manifest_io import load_manifest

GOLDEN = Path(__file__).parents[2] / "golden" / "report"


def test_every_failure_is_an_error_in_the_order_of_the_recipes() -> None:
    found = errors_of(load_manifest(GOLDEN))
    assert [error.exit_code for error in found] == [40, 42]
    assert found[0].subject == "w8a16_static.onnx" and isinstance(found[0], ExportError)


def test_the_reference_comes_first() -> None:
    manifest = load_manifest(GOLDEN)
    crash = InterpreterCrashError("float32.onnx", found="killed", expected="life", next_step="again", transient=True)
    failure = FailureRecord.of(crash, stage="verify", recipe="float32", format="onnx")
    artifacts = tuple(
        dataclasses.replace(record, failure=failure) if record.name == "float32.onnx" else record
        for record in manifest.artifacts
    )
    assert errors_of(dataclasses.replace(manifest, artifacts=artifacts))[0].exit_code == 50


def test_a_sound_run_has_none() -> None:
    manifest = load_manifest(GOLDEN)
    sound = tuple(dataclasses.replace(record, invariants=()) for record in manifest.artifacts)
    assert errors_of(dataclasses.replace(manifest, artifacts=sound, failures=())) == ()
