"""The parent's side of an agent: refusals before it starts, and calls to one that is made of a few lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgetool.artifact import digest_path
from edgetool.errors import (
    DataError,
    DeviceUnavailableError,
    FileFormatError,
    InterpreterCrashError,
    MissingFileError,
    UnsupportedModelError,
    UsageError,
)
from edgetool.runners.agent_runner import AgentRunner, AgentSession
from edgetool.runners.base import RunPlan
from edgetool.runners.process import LocalPlace, ProcessRunner


class FakeChild:
    """Stands in for `Child` and notes its calls."""

    calls: list[tuple[str, dict[str, Any], float | None]]
    error: Exception | None = None
    digest = ""

    def __init__(self, argv: list[str], *, subject: str, environment: dict[str, str] | None = None) -> None:
        self.argv, self.subject = argv, subject
        type(self).calls = []

    def call(self, method: str, params: dict[str, Any], *, timeout_s: float | None = None) -> Any:
        self.calls.append((method, params, timeout_s))
        if self.error is not None:
            raise self.error
        if method == "load":
            digest = self.digest or digest_path(Path(params["path"]))
            facts = {"load_ns": 5, "pinned_cpus": params["pin"], "node_providers": {"CPUExecutionProvider": 1}}
            return {"digest": digest, **facts}
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
    monkeypatch.setattr("edgetool.runners.agent_runner.Child", FakeChild)
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
        assert session.digest == digest_path(model)
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
    monkeypatch.setattr("edgetool.runners.agent_runner.choose_cpus", lambda num_threads, **options: next(answers))
    runner = ProcessRunner()
    plans = [RunPlan(num_threads=n, pin=True) for n in (1, 2, 1)]
    assert [runner.open(model, plan).pinned_cpus for plan in plans] == [(1,), (2, 3), (1,)]


def test_child_is_killed_when_loading_fails(
    fake: type[FakeChild], model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fake, "error", DataError("m", found="x", expected="y", next_step="z"))
    with pytest.raises(DataError):
        AgentSession(LocalPlace(), model, RunPlan(), "litert", memory_bytes=1 << 30)
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


def test_a_copy_with_another_digest_is_not_run(
    fake: type[FakeChild], model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fake, "digest", "0" * 64)
    with pytest.raises(DeviceUnavailableError, match="a copy on process with SHA-256 0000000000000000"):
        ProcessRunner().open(model, RunPlan())
    assert fake.calls[-1][0] == "kill"


class Elsewhere(LocalPlace):
    """A place where files have other paths."""

    name = "elsewhere"

    def send(self, path: Path, _digest: str) -> str:
        return "models/copy"


def test_errors_name_the_file_of_the_user_and_not_its_copy(
    fake: type[FakeChild], model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = DataError("models/copy, input 'x'", found="x", expected="y", next_step="z")
    monkeypatch.setattr(fake, "error", error)
    with pytest.raises(DataError, match=r"m\.tflite, input 'x': x"):
        AgentSession(Elsewhere(), model, RunPlan(), "litert", memory_bytes=1 << 30)


def test_a_place_where_no_agent_answers_is_unavailable(fake: type[FakeChild], monkeypatch: pytest.MonkeyPatch) -> None:
    said = "exit status 255; last words: no route to host"
    monkeypatch.setattr(fake, "error", InterpreterCrashError("m", found=said, expected="y", next_step="z"))
    with pytest.raises(DeviceUnavailableError, match=f"elsewhere: {said}"):
        AgentRunner(Elsewhere()).probe()


def test_the_machine_is_asked_once_and_its_conditions_each_time(
    fake: type[FakeChild], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    texts = {"/proc/loadavg": "0.50 0 0 1/2 3\n", "/proc/cpuinfo": "model name : Fast CPU\n"}
    probed = {"system": "S", "processor": "P", "cpus": [0, 1], "memory_bytes": 5, "python": "3", "versions": {}}

    def call(self: FakeChild, method: str, params: dict[str, Any], *, timeout_s: float | None = None) -> Any:
        asked.append(method)
        return probed if method == "probe" else texts

    monkeypatch.setattr(fake, "call", call)
    runner = AgentRunner(Elsewhere())
    assert (runner.name, runner.probe().cpu, runner.probe().num_cpus) == ("elsewhere", "Fast CPU", 2)
    assert asked == ["probe", "files"]
    assert runner.conditions().load == 0.5
    assert runner.energy_counter("cpu").read_joules() is None
    assert asked == ["probe", "files", "files", "files"]
