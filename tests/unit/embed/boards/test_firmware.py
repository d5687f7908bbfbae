"""What firmware cannot be built or run for; the emulator is tests/device's."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from edgetool.embed.boards.firmware import board_folder, missing_packages, require_runnable
from edgetool.errors import MissingDependencyError, TargetError
from edgetool.targets import find_target, list_targets


def test_targets_of_other_runners_are_refused() -> None:
    with pytest.raises(TargetError, match="a target that QEMU runs"):
        require_runnable(find_target("stm32h743"))


def test_missing_tools_are_named_with_their_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingDependencyError, match="apt install gcc-arm-none-eabi"):
        require_runnable(find_target("cortex-m4-qemu"))
    *others, _ = missing_packages(find_target("cortex-m4-qemu"))
    for tool in others:
        (tmp_path / tool).touch(mode=0o755)
    with pytest.raises(MissingDependencyError, match="apt install qemu-system-arm"):
        require_runnable(find_target("cortex-m4-qemu"))


def test_emulated_targets_say_where_memory_lies() -> None:
    boards = [target for target in list_targets() if target.runner == "qemu"]
    assert {board.name for board in boards} >= {"cortex-m4-qemu", "cortex-m7-qemu", "cortex-m55-qemu"}
    for board in boards:
        assert board.qemu is not None and board.flash_bytes and board.ram_bytes
        assert board.qemu.timer_hz == board.clock_hz
        assert board_folder(board).is_dir() and board.toolchain is not None
        tools = {board.toolchain.compiler, board.toolchain.size, board.qemu.emulator}
        assert tools == set(board.toolchain.packages)


def test_a_board_without_its_files_is_told_what_is_missing(tmp_path: Path) -> None:
    target = find_target("cortex-m4-qemu")
    assert target.toolchain is not None
    own = dataclasses.replace(target.toolchain, board="")
    (tmp_path / "board.h").touch()
    with pytest.raises(TargetError, match=r"no startup\.c in"):
        board_folder(dataclasses.replace(target, toolchain=own, folder=str(tmp_path)))
