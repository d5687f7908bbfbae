from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from edgetool.cli.compare import compare
from edgetool.cli.groups import flattened
from edgetool.errors import InterpreterCrashError, UsageError
from edgetool.measure.latency import BenchItem, BenchResult
from edgetool.records import LatencyRecord, RatioRecord

RECORD = LatencyRecord(
    device="cpu",
    runtime="litert",
    num_threads=1,
    batch=1,
    pinned_cpus=(),
    num_warmup=3,
    num_samples=5,
    min_ns=1.0,
    mean_ns=1.0,
    p50_ns=1.0,
    p90_ns=1.0,
    p95_ns=1.0,
    p99_ns=1.0,
    max_ns=1.0,
    std_ns=0.0,
    throughput_per_s=1e9,
    load_ns=1.0,
    peak_rss_bytes=1,
    noise="quiet",
    noise_reason="",
)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    seen: dict[str, Any] = {"ratio": RatioRecord("b.onnx", 0.76, 0.74, 0.78), "errors": {}, "noise": "quiet"}

    def fake(items: list[BenchItem], settings: list[Any], **options: Any) -> BenchResult:
        seen.update(items=items, settings=settings, **options)
        record = dataclasses.replace(RECORD, ratio=seen["ratio"], noise=seen["noise"], noise_reason="drift of 9 %")
        return BenchResult({items[0].name: (RECORD,), items[1].name: (record,)}, seen["errors"])

    monkeypatch.setattr("edgetool.measure.bench.bench_artifacts", fake)
    for name in ("a.onnx", "b.onnx"):
        (tmp_path / name).write_bytes(b"model")
    monkeypatch.chdir(tmp_path)
    return seen


def run(*arguments: str) -> Any:
    app = typer.Typer()
    app.command()(flattened(compare))
    return CliRunner().invoke(app, list(arguments), standalone_mode=False)


def test_sentence_says_ratio_interval_and_verdict(asked: dict[str, Any]) -> None:
    found = run("a.onnx", "b.onnx")
    assert found.stdout.strip() == "a.onnx is 0.76x of b.onnx [0.74, 0.78]: faster (1 thread)"
    assert [item.name for item in asked["items"]] == ["b.onnx", "a.onnx"], "b is the reference"


def test_interval_that_spans_one_tells_nothing(asked: dict[str, Any]) -> None:
    asked["ratio"] = RatioRecord("b.onnx", 0.98, 0.95, 1.02)
    assert "no difference can be told" in run("a.onnx", "b.onnx").stdout


def test_noise_is_said(asked: dict[str, Any]) -> None:
    asked["noise"] = "noisy"
    assert "a.onnx: noisy (drift of 9 %)" in run("a.onnx", "b.onnx").stderr


def test_json(asked: dict[str, Any]) -> None:
    (found,) = json.loads(run("a.onnx", "b.onnx", "--json").stdout)
    assert found["verdict"] == "faster" and found["ratio"]["low"] == 0.74
    assert found["latency_a"]["p50_ns"] == found["latency_b"]["p50_ns"] == 1.0


def test_a_file_can_be_compared_with_itself(asked: dict[str, Any]) -> None:
    assert "a.onnx#2 is" in run("a.onnx", "a.onnx").stdout or "a.onnx is" in run("a.onnx", "a.onnx").stdout
    assert len({item.name for item in asked["items"]}) == 2


def test_error_of_a_file_is_raised(asked: dict[str, Any]) -> None:
    asked["errors"] = {"a.onnx": InterpreterCrashError("a.onnx", found="died", expected="life", next_step="export")}
    assert isinstance(run("a.onnx", "b.onnx").exception, InterpreterCrashError)


def test_runs_and_seconds_exclude_each_other(asked: dict[str, Any]) -> None:
    assert isinstance(run("a.onnx", "b.onnx", "--runs", "2", "--seconds", "2").exception, UsageError)
