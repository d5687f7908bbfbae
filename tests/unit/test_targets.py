"""Targets: the built-in ones are whole, and a wrong target.toml is refused with the reason."""

from __future__ import annotations

from typing import Any

import pytest

from edgetool.errors import TargetError
from edgetool.targets import FIGURES, find_target, list_targets, parse_target

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
