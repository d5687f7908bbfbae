"""This machine as a place of agents: files stay where they are, and it describes itself without an agent."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from edgetool.runners import agent
from edgetool.runners.process import LocalPlace, ProcessRunner


def test_an_agent_is_this_file_without_the_current_folder_on_its_path() -> None:
    _, option, file = LocalPlace().command()
    assert option == "-P" and Path(file) == Path(agent.__file__)


def test_models_are_not_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert LocalPlace().send(Path("m.onnx"), "0" * 64) == str(tmp_path / "m.onnx")


def test_arrays_go_through_a_folder_that_is_gone_afterwards() -> None:
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    with LocalPlace().exchange() as folder:
        path = folder.write("x0.npy", array)
        assert np.array_equal(folder.read(path), array)
        assert Path(folder.prefix).parent == Path(path).parent
    assert not Path(path).parent.exists()


def test_this_machine_describes_itself_without_an_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LocalPlace, "command", lambda self: pytest.fail("an agent was started"))
    runner = ProcessRunner()
    assert runner.probe().num_cpus == len(os.sched_getaffinity(0))
    assert runner.probe() is runner.probe()
    assert runner.conditions().total_ticks > 0
    assert runner.energy_counter("cpu").method
