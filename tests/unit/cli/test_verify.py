"""The command's table, JSON and exit code, with a comparison that runs nothing."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

import edgetool.pipeline.verify
from edgetool.cli.groups import flattened
from edgetool.cli.verify import verify
from edgetool.errors import ParityError, UsageError
from edgetool.records import ParityRecord, Tolerance
from edgetool.verify.files import Verification

RECORD = ParityRecord(
    reference="a.onnx",
    artifact="b.tflite",
    kind="quantized",
    split="val",
    num_samples=40,
    max_abs_error=0.25,
    max_rel_error=0.5,
    sqnr_db=(21.5, 200.0),
    top1_agreement=0.975,
    tolerance=Tolerance(min_sqnr_db=10.0),
    passed=True,
    worst_output=0,
    worst_sample=17,
)

app = typer.Typer()
app.command()(flattened(verify))


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []

    def fake(reference: Any, candidate: Any, **options: Any) -> Verification:
        made.append(options)
        return Verification("40 samples", made[0].get("record", RECORD))

    monkeypatch.setattr(edgetool.pipeline.verify, "verify_files", fake)
    return made


def test_a_table_with_every_output(calls: list[dict[str, Any]]) -> None:
    result = CliRunner().invoke(app, ["a.onnx", "b.tflite"])
    assert result.exit_code == 0
    for text in ("21.5", "equal", "0.25", "0.9750", "agree", "sample 17", "40 samples", "SQNR >= 10 dB"):
        assert text in result.output
    assert calls[0]["data"] is None
    assert calls[0]["tolerance"] is None


def test_json_is_the_whole_record(calls: list[dict[str, Any]]) -> None:
    result = CliRunner().invoke(app, ["a.onnx", "b.tflite", "--json"])
    fields = json.loads(result.stdout)
    assert fields["parity"]["sqnr_db"] == [21.5, 200.0]
    assert fields["inputs"] == "40 samples"


def test_disagreement_is_an_error_after_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = dataclasses.replace(RECORD, passed=False, reason="output 0: SQNR 3.0 dB, below 10 dB")
    monkeypatch.setattr(edgetool.pipeline.verify, "verify_files", lambda *a, **o: Verification("x", failed))
    result = CliRunner().invoke(app, ["a.onnx", "b.tflite"])
    assert isinstance(result.exception, ParityError)
    assert result.exception.exit_code == 41
    assert "output 0, sample 17" in str(result.exception)
    assert "DISAGREE" in result.output


def test_options_reach_the_comparison(calls: list[dict[str, Any]]) -> None:
    arguments = ["a", "b", "--tolerance", "0.01", "--min-agreement", "0.8", "--samples", "7", "--seed", "3"]
    assert CliRunner().invoke(app, [*arguments, "--data", "d.npz", "--trust"]).exit_code == 0
    limit = calls[0]["tolerance"]
    assert (limit.max_abs_error, limit.min_sqnr_db, limit.min_agreement) == (0.01, None, 0.8)
    assert (calls[0]["num_samples"], calls[0]["seed"], calls[0]["trust"]) == (7, 3, True)
    assert callable(calls[0]["data"])


def test_preprocessing_without_data_is_refused(calls: list[dict[str, Any]]) -> None:
    result = CliRunner().invoke(app, ["a", "b", "--scale", "0.5"])
    assert isinstance(result.exception, UsageError)
    assert "--scale" in str(result.exception)
    assert not calls
