"""What firmware cannot be built or run for; the emulator is tests/device's."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgetool.embed.boards.firmware import PACKAGES, require_runnable
from edgetool.errors import MissingDependencyError, TargetError
from edgetool.targets import find_target, list_targets


def test_targets_of_other_runners_are_refused() -> None:
    with pytest.raises(TargetError, match="a target that QEMU runs"):
        require_runnable(find_target("stm32h743"))


def test_missing_tools_are_named_with_their_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingDependencyError, match="apt install gcc-arm-none-eabi"):
        require_runnable(find_target("cortex-m4-qemu"))
    for tool in list(PACKAGES)[:-1]:
        (tmp_path / tool).touch(mode=0o755)
    with pytest.raises(MissingDependencyError, match="apt install qemu-system-arm"):
        require_runnable(find_target("cortex-m4-qemu"))


def test_emulated_targets_say_where_memory_lies() -> None:
    boards = [target for target in list_targets() if target.runner == "qemu"]
    assert {board.name for board in boards} >= {"cortex-m4-qemu", "cortex-m7-qemu", "cortex-m55-qemu"}
    for board in boards:
        assert board.qemu is not None and board.flash_bytes and board.ram_bytes
        assert board.qemu.timer_hz == board.clock_hz
