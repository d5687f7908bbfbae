"""The parent's side: refusals before any child starts, and calls to a child made of a few lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgetool.errors import DataError, FileFormatError, MissingFileError, UnsupportedModelError, UsageError
from edgetool.runners.base import RunPlan
from edgetool.runners.process import ProcessRunner, ProcessSession


class FakeChild:
    """Stands in for `Child` and notes its calls."""

    calls: list[tuple[str, dict[str, Any], float | None]]
    error: Exception | None = None

    def __init__(self, argv: list[str], *, subject: str, environment: dict[str, str]) -> None:
        self.argv, self.subject = argv, subject
        type(self).calls = []

    def call(self, method: str, params: dict[str, Any], *, timeout_s: float | None = None) -> Any:
        self.calls.append((method, params, timeout_s))
        if self.error is not None:
            raise self.error
        if method == "load":
            return {"load_ns": 5, "pinned_cpus": params["pin"], "node_providers": {"CPUExecutionProvider": 1}}
        if method == "outputs":
            np.save(params["outputs"] + "0.npy", np.load(params["inputs"][0]) * 2)
            return [params["outputs"] + "0.npy"]
        return [1, 2, 3] if method == "time" else 77

    def close(self) -> None:
        self.calls.append(("close", {}, None))

    def kill(self) -> None:
        self.calls.append(("kill", {}, None))


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> type[FakeChild]:
    monkeypatch.setattr("edgetool.runners.process.Child", FakeChild)
    monkeypatch.setattr(FakeChild, "error", None)
    return FakeChild


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "m.tflite"
    path.write_bytes(b"\x1c\0\0\0TFL3" + bytes(64))
    return path


def test_session_passes_the_plan_on_and_arrays_through_files(fake: type[FakeChild], model: Path) -> None:
    plan = RunPlan(num_threads=3, batch=2, timeout_s=9.0, kernels="reference")
    with ProcessRunner().open(model, plan) as session:
        assert (session.runtime, session.load_ns, session.pinned_cpus) == ("litert", 5, ())
        (doubled,) = session.outputs((np.ones((2, 2), np.float32),), batch_size=5)
        assert np.array_equal(doubled, np.full((2, 2), 2))
        assert session.time(3, num_warmup=1) == [1, 2, 3]
        assert session.peak_rss_bytes() == 77
    (_, load, timeout), (_, outputs, _), (_, time, _), _, (last, _, _) = fake.calls
    assert (load["num_threads"], load["batch"], load["kernels"], timeout) == (3, 2, "reference", 9.0)
    assert load["memory_limit_bytes"] > 1 << 30
    assert outputs["batch_size"] == 5 and not Path(outputs["inputs"][0]).exists(), "files are removed afterwards"
    assert time == {"num_runs": 3, "num_warmup": 1}
    assert last == "close"


def test_gpu_sessions_have_no_bound_on_address_space(fake: type[FakeChild], model: Path) -> None:
    ProcessRunner().open(model, RunPlan(device="gpu"))
    assert fake.calls[0][1]["memory_limit_bytes"] is None


def test_sessions_of_one_runner_share_their_cpus(
    fake: type[FakeChild], model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([(1,), (2, 3), (4,)])
    monkeypatch.setattr("edgetool.runners.process.choose_cpus", lambda num_threads: next(answers))
    runner = ProcessRunner()
    plans = [RunPlan(num_threads=n, pin=True) for n in (1, 2, 1)]
    assert [runner.open(model, plan).pinned_cpus for plan in plans] == [(1,), (2, 3), (1,)]


def test_child_is_killed_when_loading_fails(
    fake: type[FakeChild], model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fake, "error", DataError("m", found="x", expected="y", next_step="z"))
    with pytest.raises(DataError):
        ProcessSession(model, RunPlan(), "litert")
    assert fake.calls[-1][0] == "kill"


def test_files_that_no_runtime_takes_are_refused_at_once(tmp_path: Path) -> None:
    runner = ProcessRunner()
    with pytest.raises(MissingFileError):
        runner.open(tmp_path / "none.onnx", RunPlan())
    (tmp_path / "a.tflite").write_bytes(b"rubbish" * 9)
    with pytest.raises(FileFormatError):
        runner.open(tmp_path / "a.tflite", RunPlan())
    (tmp_path / "b.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(64))
    with pytest.raises(UnsupportedModelError, match="edgetool export"):
        runner.open(tmp_path / "b.h5", RunPlan())


def test_onnx_has_no_reference_kernels(tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    path.write_bytes(bytes([8, 9, 0x3A, 2]) + bytes(60))
    with pytest.raises(UsageError, match="reference kernels"):
        ProcessRunner().open(path, RunPlan(kernels="reference"))


def test_runner_describes_this_machine() -> None:
    assert ProcessRunner().probe().num_cpus >= 1
