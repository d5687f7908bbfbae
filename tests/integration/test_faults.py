"""Runs that meet a killed process, a folder that goes away, wrong data, or files that somebody changed."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result
from typer.testing import CliRunner

from edgetool.cli.main import app
from edgetool.errors import EdgetoolError
from edgetool.pipeline import compress as pipeline
from edgetool.pipeline import trial
from edgetool.runners.agent_runner import AgentSession

pytestmark = pytest.mark.slow

MODEL = Path(__file__).parents[1] / "golden" / "models" / "tiny.onnx"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Samples with the classes that the model itself gives them."""
    import onnxruntime

    folder = tmp_path_factory.mktemp("data")
    session = onnxruntime.InferenceSession(MODEL.read_bytes())
    x = np.random.default_rng(0).normal(size=(400, 6)).astype(np.float32)
    y = session.run(None, {"x": x})[0].argmax(axis=1)
    np.savez(folder / "data.npz", x_train=x[:300], y_train=y[:300], x_test=x[300:], y_test=y[300:])
    np.savez(folder / "wrong.npz", x_train=x[:300, :5], y_train=y[:300], x_test=x[300:, :5], y_test=y[300:])
    return folder


def compress(data: Path, out: Path, *more: str) -> Result:
    arguments = ["compress", str(MODEL), "--data", str(data), "--recipe", "w8_dynamic", "--bench-seconds", "0"]
    return CliRunner().invoke(app, [*arguments, "-o", str(out), *more])


def code(result: Result) -> int:
    if isinstance(result.exception, EdgetoolError):
        return result.exception.exit_code
    return result.exit_code


def manifest(run: Path) -> Any:
    return json.loads((run / "manifest.json").read_text())


def times(found: Any) -> dict[tuple[str, str | None], str]:
    """Return when each stage was finished."""
    return {(stage["stage"], stage["recipe"]): stage["finished"] for stage in found["stages"]}


def test_an_agent_that_is_killed_ends_the_run_with_its_code_and_the_same_command_finishes_it(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs = AgentSession.outputs

    def killed(self: AgentSession, inputs: Any, **options: Any) -> Any:
        if self._path.name == "w8_dynamic.onnx" and self._child.pid is not None:
            os.kill(self._child.pid, signal.SIGKILL)
        return outputs(self, inputs, **options)

    with monkeypatch.context() as patch:
        patch.setattr(AgentSession, "outputs", killed)
        first = compress(data / "data.npz", tmp_path / "run")
    assert code(first) == 50, first.output
    begun = manifest(tmp_path / "run")
    assert begun["status"] == "failed"
    failure = begun["artifacts"][1]["failure"]
    assert (failure["stage"], failure["exit_code"], failure["transient"]) == ("verify", 50, True)
    assert "Failed: w8_dynamic.onnx." in (tmp_path / "run" / "report.md").read_text()

    second = compress(data / "data.npz", tmp_path / "run")
    assert code(second) == 0, second.output
    finished = manifest(tmp_path / "run")
    assert finished["status"] == "complete" and "Failed" not in (tmp_path / "run" / "report.md").read_text()
    before, after = times(begun), times(finished)
    for stage in (("build", "float32"), ("build", "w8_dynamic"), ("verify", "float32")):
        assert before[stage] == after[stage]
    assert all(artifact["failure"] is None and artifact["evaluation"] for artifact in finished["artifacts"])


def test_a_resumed_run_ends_with_the_code_of_an_export_that_failed_before(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = tmp_path / "lite.toml"
    recipe.write_text('description = "the format that an ONNX file cannot become"\nexports = ["tflite"]\n')

    def interrupt(*arguments: Any, **options: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "evaluate_stage", interrupt)  # of the test split
        first = compress(data / "data.npz", tmp_path / "run", "--recipe", str(recipe))
    assert code(first) == 130, first.output
    begun = manifest(tmp_path / "run")
    assert begun["status"] == "running"
    (failure,) = begun["failures"]
    assert (failure["stage"], failure["recipe"], failure["format"]) == ("export", "lite", "tflite")
    assert not failure["transient"]

    second = compress(data / "data.npz", tmp_path / "run", "--recipe", str(recipe))
    assert code(second) == failure["exit_code"] != 0, second.output
    finished = manifest(tmp_path / "run")
    assert times(finished)["build", "lite"] == times(begun)["build", "lite"]
    assert finished["failures"] == begun["failures"] and finished["status"] == "complete"


@pytest.mark.parametrize(("name", "expected"), [("data.npy", 20), ("none.npz", 10), ("wrong.npz", 20)])
def test_wrong_data_leave_nothing_in_the_way_of_the_corrected_command(
    data: Path, tmp_path: Path, name: str, expected: int
) -> None:
    if name == "data.npy":
        np.save(data / name, np.zeros(3))
    result = compress(data / name, tmp_path / "run")
    assert code(result) == expected
    assert list(tmp_path.iterdir()) == []


def test_a_run_folder_that_is_deleted_at_work_is_named(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deleting(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            shutil.rmtree(tmp_path / "run")
            return function(*arguments, **options)

        return call

    monkeypatch.setattr(trial, "evaluate_stage", deleting(trial.evaluate_stage))
    result = compress(data / "data.npz", tmp_path / "run")
    assert isinstance(result.exception, EdgetoolError) and code(result) == 10
    assert result.exception.subject == str(tmp_path / "run") and "run folder is gone" in result.exception.found
    assert not (tmp_path / "run").exists()


@pytest.fixture(scope="module")
def finished(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("finished") / "run"
    assert code(compress(data / "data.npz", run)) == 0
    return run


COMMANDS = {
    "report": ["report", "{run}"],
    "embed": ["embed", "{run}", "--artifact", "float32.onnx", "--runtime", "array", "-o", "{out}"],
    "embed file": ["embed", "{file}", "--runtime", "array", "-o", "{out}"],
    "bench": ["bench", "{run}", "--seconds", "0.01"],
    "bench file": ["bench", "{file}", "--seconds", "0.01"],
    "compare": ["compare", "{model}", "{file}", "--seconds", "0.01"],
    "verify": ["verify", "{model}", "{file}"],
}


#: Commands that are given a file of a run see that it was swapped; those that read the run see more.
CASES = [(name, "swapped") for name in COMMANDS]
CASES += [(name, fault) for name in ("report", "embed", "bench") for fault in ("outside", "deep")]


@pytest.mark.parametrize(("name", "fault"), CASES)
def test_a_run_that_somebody_changed_is_refused_by_name(finished: Path, tmp_path: Path, name: str, fault: str) -> None:
    run = tmp_path / "run"
    shutil.copytree(finished, run)
    file = run / "artifacts" / "float32.onnx"
    if fault == "swapped":
        file.write_bytes((run / "artifacts" / "w8_dynamic.onnx").read_bytes())
    elif fault == "outside":
        file.rename(tmp_path / "outside.onnx")
        file.symlink_to(tmp_path / "outside.onnx")
    else:
        (run / "manifest.json").write_text("[" * 100_000)
    words = [word.format(run=run, file=file, out=tmp_path / "out", model=MODEL) for word in COMMANDS[name]]
    result = CliRunner().invoke(app, words)
    assert isinstance(result.exception, EdgetoolError), result.output
    assert code(result) == 31
    named = file if fault == "swapped" else run / "manifest.json"
    assert result.exception.subject == str(named)
    assert not (tmp_path / "out").exists()
