"""A failure is written down and raised again as it was."""

from __future__ import annotations

import pytest

from edgetool.errors import DiskFullError, EdgetoolError, ExportError, InterpreterCrashError, ManifestError
from edgetool.records import FailureRecord
from edgetool.schema import parse, to_builtins

KILLED = InterpreterCrashError("m.onnx", found="killed", expected="life", next_step="run again", transient=True)


@pytest.mark.parametrize(
    "error",
    [
        KILLED,
        ExportError("m", found="a", expected="b", next_step="c"),
        DiskFullError("m", found="a", expected="b", next_step="c"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_comes_back_as_the_same_kind(error: EdgetoolError) -> None:
    record = FailureRecord.of(error, stage="verify", recipe="w8a8_static", format="onnx")
    read = parse(FailureRecord, to_builtins(record), source="manifest", error=ManifestError)
    assert type(read.error) is type(error)
    assert read.error.to_dict() == error.to_dict()
    assert (read.exit_code, read.transient) == (error.exit_code, error.transient)
    assert str(read) == str(error)


def test_it_names_the_artefact_or_the_recipe() -> None:
    assert FailureRecord.of(KILLED, stage="export", recipe="float16", format="onnx").name == "float16.onnx"
    assert FailureRecord.of(KILLED, stage="build", recipe="float16").name == "float16"
