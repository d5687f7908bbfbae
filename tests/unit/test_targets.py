"""Targets: the built-in ones are whole, and a wrong target.toml is refused with the reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edgetool.errors import MissingFileError, TargetError, UsageError
from edgetool.options.groups import TargetOptions
from edgetool.targets import FIGURES, choose_target, find_target, list_targets, parse_target

GOOD: dict[str, Any] = {
    "name": "board",
    "title": "A board",
    "description": "Small.",
    "runtimes": ["c"],
    "runner": "none",
    "flash_bytes": 1024,
    "sources": {"flash_bytes": "datasheet"},
}


def test_builtin_targets() -> None:
    targets = {target.name: target for target in list_targets()}
    assert {"host", "stm32h743", "cortex-m4-qemu", "raspberry-pi-4"} <= set(targets)
    assert targets["host"].flash_bytes is None and targets["host"].runner == "process"
    assert (targets["stm32h743"].flash_bytes, targets["stm32h743"].ram_bytes) == (2 << 20, 512 << 10)
    assert [name for name, target in targets.items() if not target.has_fpu] == ["cortex-m3-qemu"]
    for target in targets.values():
        assert all(target.sources.get(name) for name in FIGURES if getattr(target, name) is not None)


def test_an_unknown_target_names_the_nearest() -> None:
    with pytest.raises(TargetError, match="did you mean 'stm32h743'"):
        find_target("stm32h473")


@pytest.mark.parametrize("name", ["stm32f746", "stm32h742", "stm32h7"])
def test_a_board_of_other_figures_is_never_suggested(name: str) -> None:
    with pytest.raises(TargetError, match="--flash 1M") as caught:
        find_target(name)
    assert "did you mean" not in caught.value.next_step


def test_a_target_is_found_by_the_path_of_its_file_or_folder(tmp_path: Path) -> None:
    text = 'name = "mine"\ntitle = "Mine"\ndescription = ""\nruntimes = ["c"]\nrunner = "none"\nram_bytes = 9\n'
    (tmp_path / "target.toml").write_text(text + '[sources]\nram_bytes = "measured"\n')
    assert find_target(str(tmp_path)).ram_bytes == find_target(str(tmp_path / "target.toml")).ram_bytes == 9
    with pytest.raises(MissingFileError, match="check the path"):
        find_target(str(tmp_path / "other.toml"))


def test_figures_alone_describe_a_microcontroller() -> None:
    board = choose_target(TargetOptions(flash="1M", ram="1.5k", clock="480MHz"))
    assert (board.name, board.runtimes) == ("custom", ("c", "tflm"))
    assert (board.flash_bytes, board.ram_bytes, board.clock_hz) == (1 << 20, 1536, 480_000_000)


def test_figures_replace_those_of_a_named_target() -> None:
    board = choose_target(TargetOptions("stm32h743", flash="128 KB"))
    assert (board.flash_bytes, board.ram_bytes) == (128 << 10, 512 << 10)
    assert board.sources["flash_bytes"] == "the command line"
    assert choose_target(TargetOptions()).name == "host"


def test_an_emulated_board_has_no_more_memory_than_it_has() -> None:
    assert choose_target(TargetOptions("cortex-m4-qemu", flash="64k")).flash_bytes == 64 << 10
    for options in (TargetOptions("cortex-m4-qemu", flash="32M"), TargetOptions("cortex-m55-qemu", ram="1G")):
        with pytest.raises(UsageError, match="more than the emulated board of cortex-m"):
            choose_target(options)


@pytest.mark.parametrize("text", ["", "much", "-1k", "0", "1T", "1e9", "nan"])
def test_a_figure_that_is_no_size_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError, match="--flash 512k"):
        choose_target(TargetOptions(flash=text))
    with pytest.raises(UsageError, match="--clock 480MHz"):
        choose_target(TargetOptions(clock=text))


def test_a_good_target_is_parsed() -> None:
    target = parse_target(GOOD, source="target.toml")
    assert target.flash_bytes == 1024 and target.ram_bytes is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sources": {}}, "no source for flash_bytes"),
        ({"flash_bytes": 0}, "flash_bytes = 0"),
        ({"flash_byte": 4}, "unknown key 'flash_byte'"),
        ({"runtimes": ["litrt"]}, "unknown runtime 'litrt'.*did you mean 'litert'"),
        ({"runner": "telnet"}, "unknown runner 'telnet'"),
        ({"flash_bytes": "1 MB"}, "Expected `int"),
        ({"sources": {"flash_bytes": "x", "ram_bytes": "y"}}, "a source for ram_bytes, which is not given"),
    ],
)
def test_wrong_targets_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(TargetError, match=message):
        parse_target({**GOOD, **change}, source="target.toml")


BOARD: dict[str, Any] = {
    **GOOD,
    "runner": "qemu",
    "toolchain": {
        "compiler": "arm-none-eabi-gcc",
        "size": "arm-none-eabi-size",
        "flags": [],
        "link_flags": [],
        "packages": {},
        "vectors_origin": 0,
        "flash_origin": 0,
        "ram_origin": 0,
    },
    "qemu": {"emulator": "qemu-system-arm", "machine": "m", "timer_hz": 1},
}


@pytest.mark.parametrize(
    ("table", "key", "command"),
    [
        ("toolchain", "compiler", "/tmp/gcc"),
        ("toolchain", "compiler", "rm"),
        ("toolchain", "size", "sh -c size"),
        ("qemu", "emulator", "../qemu-system-arm"),
    ],
)
def test_a_target_names_compilers_and_emulators_alone(table: str, key: str, command: str) -> None:
    assert parse_target(BOARD, source="t").qemu is not None
    with pytest.raises(TargetError, match="the command"):
        parse_target({**BOARD, table: {**BOARD[table], key: command}}, source="t")


def test_an_emulated_board_has_a_tool_chain() -> None:
    fields = {name: value for name, value in BOARD.items() if name != "toolchain"}
    with pytest.raises(TargetError, match=r"without a table \[toolchain\]"):
        parse_target(fields, source="t")


def test_a_target_knows_its_folder() -> None:
    target = find_target("riscv32-qemu")
    assert (Path(target.folder) / "startup.c").is_file()
