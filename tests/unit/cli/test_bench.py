from __future__ import annotations

import csv
import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from edgetool.cli.bench import bench
from edgetool.cli.groups import flattened
from edgetool.errors import DeviceUnavailableError, FileFormatError, MissingFileError, RunExistsError, UsageError
from edgetool.measure.latency import BenchItem, BenchResult
from edgetool.records import LatencyRecord, RatioRecord
from edgetool.runners.base import RunPlan

RECORD = LatencyRecord(
    device="cpu",
    runtime="litert",
    num_threads=1,
    batch=1,
    pinned_cpus=(3,),
    num_warmup=3,
    num_samples=5,
    min_ns=301_000.0,
    mean_ns=306_000.0,
    p50_ns=305_500.0,
    p90_ns=310_000.0,
    p95_ns=311_000.0,
    p99_ns=312_000.0,
    max_ns=1_313_000.0,
    std_ns=2_000.0,
    throughput_per_s=3268.0,
    load_ns=4_000_000.0,
    peak_rss_bytes=52_000_000,
    noise="quiet",
    noise_reason="spread 1 %",
    energy_method="not measured: no counter",
)


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    paths = [tmp_path / name for name in ("a.tflite", "b.tflite")]
    for path in paths:
        path.write_bytes(b"\x1c\0\0\0TFL3" + bytes(64))
    return [str(path) for path in paths]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the command asked of the measurement; the answer can be changed under the key `answer`."""
    seen: dict[str, Any] = {"answer": lambda name: (dataclasses.replace(RECORD),), "errors": {}}

    def fake(items: list[BenchItem], settings: list[RunPlan], **options: Any) -> BenchResult:
        seen.update(items=items, settings=settings, **options)
        answer: Callable[[str], tuple[LatencyRecord, ...]] = seen["answer"]
        good = [item for item in items if item.name not in seen["errors"]]
        return BenchResult({item.name: answer(item.name) for item in good}, seen["errors"])

    monkeypatch.setattr("edgetool.measure.bench.bench_artifacts", fake)
    return seen


def run(*arguments: str) -> Any:
    app = typer.Typer()
    app.command()(flattened(bench))
    return CliRunner().invoke(app, list(arguments), standalone_mode=False)


def test_table_has_every_file_and_says_what_was_done(
    files: list[str], asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    found = run(*files)
    assert found.exception is None
    row = next(line for line in found.stdout.splitlines() if line.split()[:1] == ["a.tflite"])
    assert row.split()[3:11] == ["301.0", "305.5", "306.0", "2.0", "310.0", "311.0", "312.0", "1,313"]
    assert "latency of one inference in us" in found.stdout
    assert "pinned to CPU 3" in found.stderr and "energy not measured" in found.stderr


def test_defaults(files: list[str], asked: dict[str, Any]) -> None:
    run(*files)
    assert asked["settings"][0] == RunPlan(num_threads=1, pin=True, timeout_s=300.0)
    assert asked["seconds_per_item"] == 2.0 and asked["num_runs"] is None and asked["mlperf"] is False


def test_options_reach_the_measurement(files: list[str], asked: dict[str, Any]) -> None:
    run(*files, "--threads", "1", "--runs", "7", "--batch", "2", "--kernels", "reference", "--no-pin", "--seed", "5")
    (plan,) = asked["settings"]
    assert (plan.batch, plan.kernels, plan.pin) == (2, "reference", False)
    assert asked["num_runs"] == 7 and asked["seed"] == 5


def test_ratio_noise_and_mlperf_are_explained(files: list[str], asked: dict[str, Any]) -> None:
    ratio = RatioRecord("a.tflite", 0.76, 0.74, 0.78)
    record = dataclasses.replace(
        RECORD, ratio=ratio, noise="noisy", noise_reason="drift of 9 %", mlperf_p90_ns=309_000.0, pinned_cpus=()
    )
    asked["answer"] = lambda name: (record,)
    found = run(*files, "--mlperf")
    assert "0.76 [0.74, 0.78]" in found.stdout and "309.0" in found.stdout
    assert "noisy: drift of 9 %" in found.stderr and "not pinned" in found.stderr
    assert "MLPerf's rule, not a submission" in found.stderr
    assert "95 % bootstrap interval" in found.stderr


def test_gpu_names_the_provider_of_the_nodes(files: list[str], asked: dict[str, Any]) -> None:
    nodes = {"CUDAExecutionProvider": 22, "CPUExecutionProvider": 2}
    asked["answer"] = lambda name: (dataclasses.replace(RECORD, device="gpu", node_providers=nodes),)
    found = run(files[0], "--device", "gpu")
    assert "22 nodes on CUDAExecutionProvider, 2 nodes on CPUExecutionProvider" in found.stderr


def test_json_is_all_that_is_on_standard_output(files: list[str], asked: dict[str, Any]) -> None:
    found = run(*files, "--json")
    report = json.loads(found.stdout)
    assert report["schema_version"] == 1 and report["percentile_method"] == "linear"
    assert report["artifacts"][1]["latency"][0]["p95_ns"] == 311_000.0
    assert len(report["artifacts"][1]["digest"]) == 64


def test_result_files(files: list[str], asked: dict[str, Any], tmp_path: Path) -> None:
    assert run(*files, "-o", str(tmp_path / "r.json")).exception is None
    assert len(json.loads((tmp_path / "r.json").read_text())["artifacts"]) == 2
    assert run(*files, "-o", str(tmp_path / "r.csv")).exception is None
    assert len(list(csv.DictReader((tmp_path / "r.csv").open()))) == 2


def test_existing_result_is_kept_unless_told(files: list[str], asked: dict[str, Any], tmp_path: Path) -> None:
    out = tmp_path / "r.json"
    out.write_text("mine")
    assert isinstance(run(*files, "-o", str(out)).exception, RunExistsError)
    assert out.read_text() == "mine" and "items" not in asked, "refused before anything is measured"
    assert run(*files, "-o", str(out), "--overwrite").exception is None
    assert out.read_text() != "mine"


@pytest.mark.parametrize(
    "options", [("--runs", "5", "--seconds", "1"), ("-o", "result.xls"), ("--device", "tpu"), ("--threads", "x")]
)
def test_senseless_options_are_refused(files: list[str], asked: dict[str, Any], options: tuple[str, ...]) -> None:
    assert isinstance(run(*files, *options).exception, UsageError)
    assert "items" not in asked


def test_missing_file_is_refused(asked: dict[str, Any], tmp_path: Path) -> None:
    assert isinstance(run(str(tmp_path / "none.onnx")).exception, MissingFileError)


def test_failed_file_is_named_and_decides_the_exit_code(files: list[str], asked: dict[str, Any]) -> None:
    asked["errors"] = {"b.tflite": FileFormatError("b.tflite", found="rubbish", expected="a model", next_step="export")}
    found = run(*files)
    assert "a.tflite" in found.stdout and "FAILED b.tflite: b.tflite: rubbish" in found.stderr
    assert isinstance(found.exception, FileFormatError)


def test_nothing_but_the_error_where_every_file_fails(files: list[str], asked: dict[str, Any]) -> None:
    error = DeviceUnavailableError("--device gpu", found="none", expected="CUDA", next_step="pip install")
    asked["errors"] = {"a.tflite": error}
    found = run(files[0], "--device", "gpu")
    assert isinstance(found.exception, DeviceUnavailableError) and "latency" not in found.stdout
