"""A runner of another place is a module and a row: everything that runs artefacts then works there unchanged."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from edgetool.artifact import digest_path
from edgetool.cli.main import app
from edgetool.data.dataset import Split
from edgetool.errors import DeviceUnavailableError, FileFormatError
from edgetool.evaluate.evaluate import evaluate_artifact
from edgetool.measure.latency import BenchItem, bench_artifacts
from edgetool.runners import RUNNERS, RunnerKind, open_runner
from edgetool.runners.agent_runner import AgentRunner
from edgetool.runners.base import RunPlan
from edgetool.runners.process import LocalPlace
from edgetool.targets import Target, find_target
from edgetool.verify.files import verify_files

GOLDEN = Path(__file__).parents[1] / "golden" / "models"
ONNX, TFLITE, INT8 = (GOLDEN / name for name in ("tiny.onnx", "tiny_float32.tflite", "tiny_int8.tflite"))
TARGET = """
name = "board"
title = "A board behind a shell"
description = "It is another folder of this machine."
runtimes = ["litert", "onnxruntime"]
runner = "shell://{home}"
"""

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def row(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The row of the runner; agents of this machine's own runner may not be started."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    monkeypatch.setitem(RUNNERS, "shell", RunnerKind("shell_runner:open_shell", "models", "there"))
    monkeypatch.setattr(LocalPlace, "command", lambda self: pytest.fail("an agent was started here"))
    yield


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home of the board"
    folder.mkdir()
    return folder


@pytest.fixture
def board(home: Path, tmp_path: Path) -> Target:
    file = tmp_path / "target.toml"
    file.write_text(TARGET.format(home=home))
    return find_target(str(file))


@pytest.fixture
def runner(board: Target) -> AgentRunner:
    opened = open_runner(board)
    assert isinstance(opened, AgentRunner) and opened.name == "shell"
    return opened


def received(home: Path) -> list[str]:
    """Return the names of what was copied to the board, in order."""
    return (home / "received").read_text().split()


def test_outputs_and_times_come_from_a_copy_with_the_same_digest(runner: AgentRunner, home: Path) -> None:
    inputs = (np.arange(12, dtype=np.float32).reshape(2, 6),)
    with runner.open(ONNX, RunPlan(num_threads=1, pin=True, timeout_s=60.0)) as session:
        (outputs,) = session.outputs(inputs)
        assert len(session.time(3, num_warmup=1)) == 3
        assert session.digest == digest_path(ONNX) and session.runtime == "onnxruntime"
        assert len(session.pinned_cpus) == 1
        assert session.peak_rss_bytes() > 10_000_000
    import onnxruntime

    expected = onnxruntime.InferenceSession(ONNX.read_bytes()).run(None, {"x": inputs[0]})[0]
    assert np.allclose(outputs, expected, rtol=1e-6)
    runner.open(ONNX, RunPlan(timeout_s=60.0)).close()
    models = [name for name in received(home) if name.endswith(".onnx")]
    assert models == [f"{digest_path(ONNX)}.onnx"], "copied once"
    assert not list(home.glob("call-*")), "nothing of a call is left"


def test_the_machine_tells_what_it_is(runner: AgentRunner) -> None:
    machine = runner.probe()
    assert machine.num_cpus == len(os.sched_getaffinity(0))
    assert machine.versions["onnxruntime"] and machine.memory_bytes > 1 << 28
    assert runner.conditions().total_ticks > 0
    assert runner.energy_counter("gpu").read_joules() is None


def test_a_damaged_file_is_named_as_the_user_knows_it(runner: AgentRunner, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.tflite"
    damaged.write_bytes(TFLITE.read_bytes()[:-400])
    with pytest.raises(FileFormatError) as caught:
        runner.open(damaged, RunPlan(timeout_s=60.0))
    assert caught.value.subject == str(damaged)


def test_a_board_that_cannot_be_reached_says_so(board: Target, home: Path) -> None:
    home.rmdir()
    with pytest.raises(DeviceUnavailableError, match=r"No such file|can't cd"):
        open_runner(board).probe()


def test_verify_evaluate_and_bench_take_it_as_any_other(runner: AgentRunner) -> None:
    assert verify_files(TFLITE, INT8, runner=runner, num_samples=16).parity.num_samples == 16
    x = np.random.default_rng(0).normal(size=(40, 4, 4, 2)).astype(np.float32)
    labels = np.zeros(40, np.int64)
    record, (outputs,) = evaluate_artifact(TFLITE, Split("test", (x,), labels), metric="accuracy", runner=runner)
    assert record.value == float((outputs.argmax(axis=1) == 0).mean())
    assert (record.runtime, record.machine) == ("litert", runner.probe().key)
    items = [BenchItem("onnx", ONNX), BenchItem("tflite", TFLITE, "onnx")]
    result = bench_artifacts(items, [RunPlan(pin=True)], seed=0, runner=runner, num_runs=20)
    assert not result.errors
    (timed,) = result.records["tflite"]
    assert timed.ratio is not None and timed.num_samples == 20
    assert (timed.runner, timed.machine) == ("shell", runner.probe().key)


def test_compress_runs_artefacts_on_the_board_and_the_report_says_so(board: Target, home: Path, tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(400, 6)).astype(np.float32)
    labels = (x[:, 0] > 0).astype(np.int64)
    np.savez(tmp_path / "data.npz", x_train=x[:300], y_train=labels[:300], x_test=x[300:], y_test=labels[300:])
    arguments = ["compress", str(ONNX), "--data", str(tmp_path / "data.npz"), "--recipe", "w8_dynamic"]
    options = ["--target", str(tmp_path / "target.toml"), "--bench-seconds", "0.02", "--max-drop", "100"]
    out = tmp_path / "run"
    done = CliRunner().invoke(app, [*arguments, *options, "--accept-source", "-o", str(out)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    manifest: dict[str, Any] = json.loads((out / "manifest.json").read_text())
    (machine,) = manifest["machines"]
    digests = {artifact["artifact"]["digest"] for artifact in manifest["artifacts"]}
    assert {name.removesuffix(".onnx") for name in received(home) if name.endswith(".onnx")} == digests
    for artifact in manifest["artifacts"]:
        assert artifact["parity"] and artifact["evaluation"]["machine"] == artifact["latency"][0]["machine"]
        assert artifact["latency"][0]["runner"] == "shell"
    assert any(decision["purpose"] == "fastest" and decision["artifact"] for decision in manifest["decisions"])
    report = (out / "report.md").read_text()
    assert "board, described below" in report
    assert "Artefacts ran on" in report and machine["cpu"] in report
