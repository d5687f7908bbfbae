"""What a board in QEMU tells as a runner; the emulator itself is in tests/device."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgetool.artifact import digest_path
from edgetool.embed.boards import qemu
from edgetool.embed.boards.firmware import FirmwareRun
from edgetool.embed.boards.qemu import QemuRunner, QemuSession, emulated_board
from edgetool.errors import ParityError
from edgetool.runners.base import RunPlan
from edgetool.targets import find_target

TINY = Path(__file__).parents[3] / "golden" / "models" / "tiny_int8.tflite"
BOARD = find_target("cortex-m4-qemu")
RIGHT = FirmwareRun("cortex-m4-qemu", 4, 0, 2320, 9000, 376, 100, True)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Collects the inputs of every bundle; the board gives its first bytes back for each sample."""
    bundles: list[Any] = []

    def write(path: Path, **options: Any) -> None:
        bundles.append(options["inputs"])

    monkeypatch.setattr(qemu, "write_bundle", write)
    monkeypatch.setattr(qemu, "run_outputs", lambda *unused: [sample.tobytes()[:3] for sample in bundles[-1][0]])
    return bundles


def test_samples_run_in_parts_and_come_back_as_real_values(written: list[Any]) -> None:
    session = QemuSession(TINY, RunPlan(), BOARD)
    stored = np.arange(160, dtype=np.int16).astype(np.int8).reshape(5, 4, 4, 2)
    (outputs,) = session.outputs((stored,), batch_size=2)
    assert [len(inputs[0]) for inputs in written] == [2, 2, 1]
    quantization = session._program.tensors[session._program.outputs[0]].quantization
    assert quantization is not None
    expected = (stored.reshape(5, 32)[:, :3].astype(float) - quantization.zero_point[0]) * quantization.scale[0]
    assert outputs.dtype == np.float32 and np.allclose(outputs, expected)
    assert session.digest == digest_path(TINY)


@pytest.mark.parametrize(("keep_state", "parts"), [(False, [1, 1, 1]), (True, [3])])
def test_states_begin_anew_with_each_sample_unless_they_are_kept(
    keep_state: bool, parts: list[int], written: list[Any]
) -> None:
    session = QemuSession(TINY, RunPlan(keep_state=keep_state), BOARD)
    session._program = dataclasses.replace(session._program, states=(session._program.inputs[0],))
    session.outputs((np.zeros((3, 4, 4, 2), np.int8),), batch_size=2)
    assert [len(inputs[0]) for inputs in written] == parts


def test_every_inference_takes_the_same_count(written: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qemu, "run_firmware", lambda *unused: RIGHT)
    session = QemuSession(TINY, RunPlan(), BOARD)
    assert session.time(3, num_warmup=2) == [2320, 2320, 2320]
    assert session.peak_rss_bytes() == 376
    assert len(written) == 1, "measured once"


@pytest.mark.parametrize("change", [{"num_failed": 1}, {"arena_is_whole": False}])
def test_there_is_no_count_of_wrong_outputs(
    change: dict[str, Any], written: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(qemu, "run_firmware", lambda *unused: dataclasses.replace(RIGHT, **change))
    with pytest.raises(ParityError, match="tiny_int8"):
        QemuSession(TINY, RunPlan(), BOARD).time(1)


def test_the_board_is_described_by_its_target_and_the_emulator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert BOARD.toolchain is not None
    for tool in BOARD.toolchain.packages:
        (tmp_path / tool).write_text("#!/bin/sh\necho 'QEMU emulator version 7.2.22 (Debian)'\n")
        (tmp_path / tool).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    board = emulated_board(BOARD)
    assert isinstance(board, QemuRunner)
    machine = board.probe()
    assert (machine.num_cpus, machine.isa, machine.memory_bytes) == (1, ("armv7e-m",), 4 << 20)
    assert machine.versions == {"qemu-system-arm": "7.2.22 (Debian)"}
    assert board.energy_counter("cpu").read_joules() is None
