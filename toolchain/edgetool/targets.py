"""Targets: what a device has. One folder with a `target.toml` each, and a source for every figure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from edgetool.catalog import scan
from edgetool.errors import TargetError, nearest
from edgetool.schema import load_toml, parse

__all__ = ["Qemu", "Target", "find_target", "list_targets", "parse_target"]

#: Fields that are figures of the device.
FIGURES = ("flash_bytes", "ram_bytes", "clock_hz", "num_cores")

RUNTIMES = ("litert", "onnxruntime", "c", "tflm")
RUNNERS = ("process", "qemu", "none")


@dataclass(frozen=True, slots=True)
class Qemu:
    """A board that QEMU emulates, for firmware that counts its own instructions.

    Attributes:
        machine: of `qemu-system-arm -M`.
        compiler_flags: of `arm-none-eabi-gcc`: core, floating-point unit, calling convention.
        vectors_origin: address of the vector table.
        flash_origin: of code and constants; the vector table stands first where it is the same address.
        ram_origin: of data, arena and stack.
        timer_hz: of the core's SysTick timer. Under `-icount shift=0` an instruction takes 1 ns of virtual time.
        has_low_overhead_loops: set CCR.LOB at start-up (Armv8.1-M).
    """

    machine: str
    compiler_flags: tuple[str, ...]
    vectors_origin: int
    flash_origin: int
    ram_origin: int
    timer_hz: int
    has_low_overhead_loops: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """A device and its budgets; None where there is no limit.

    Attributes:
        flash_bytes: room for the model file (and the program).
        ram_bytes: largest contiguous RAM, for activations.
        runtimes: see `RUNTIMES`.
        runner: how edgetool runs models there: `process`, `qemu` (firmware of `embed --run`), or `none` (built for, not
            measured on).
        has_fpu: the cores compute in float32; false: the compiler's library does.
        operators: supported operators; empty: no limit known.
        sources: where each figure comes from.
        qemu: the emulated board of the runner `qemu`.
    """

    name: str
    title: str
    description: str
    runtimes: tuple[str, ...]
    runner: str
    flash_bytes: int | None = None
    ram_bytes: int | None = None
    clock_hz: int | None = None
    num_cores: int | None = None
    isa: str = ""
    has_fpu: bool = True
    operators: tuple[str, ...] = ()
    sources: dict[str, str] = field(default_factory=dict)
    qemu: Qemu | None = None


def list_targets() -> list[Target]:
    """Return every target, sorted by name.

    Raises:
        TargetError: a `target.toml` is wrong.
    """
    found = scan("edgetool_targets", "edgetool.targets", "target.toml", error=TargetError)
    targets = [parse_target(load_toml(path, error=TargetError), source=str(path)) for _, path in found.values()]
    return sorted(targets, key=lambda target: target.name)


def parse_target(fields: dict[str, Any], *, source: str) -> Target:
    """Build a target from parsed TOML.

    Args:
        fields: what the TOML file holds.
        source: that file, for messages.

    Raises:
        TargetError: a key is unknown or missing, a figure has no source or is not above 0, or a name is unknown.
    """
    target = parse(Target, fields, source=source, error=TargetError)
    for name in FIGURES:
        value = getattr(target, name)
        if value is not None and name not in target.sources:
            raise TargetError(
                source,
                found=f"no source for {name}",
                expected="a source for every figure",
                next_step=f"add {name} to [sources]",
            )
        if value is not None and value <= 0:
            raise TargetError(
                source, found=f"{name} = {value}", expected="above 0", next_step="correct or leave it out"
            )
    for kind, names, valid in (("runtime", target.runtimes, RUNTIMES), ("runner", (target.runner,), RUNNERS)):
        for name in names:
            if name not in valid:
                raise TargetError(
                    source,
                    found=f"unknown {kind} {name!r}",
                    expected=f"a known {kind}",
                    next_step=nearest(name, [*valid]),
                )
    if (target.runner == "qemu") != (target.qemu is not None):
        raise TargetError(
            source, found=f"runner {target.runner!r} {'with' if target.qemu else 'without'} a table [qemu]",
            expected="both or neither", next_step="add the table, or correct the runner",
        )  # fmt: skip
    for name in target.sources:
        if getattr(target, name, None) is None:
            raise TargetError(
                source, found=f"a source for {name}, which is not given", expected="the figure too",
                next_step=nearest(name, [*FIGURES]),
            )  # fmt: skip
    return target


def find_target(name: str) -> Target:
    """Return the target of that name.

    Raises:
        TargetError: there is none, or its file is wrong.
    """
    targets = {target.name: target for target in list_targets()}
    if name not in targets:
        raise TargetError(
            f"--target {name}",
            found="no such target",
            expected="a known target",
            next_step=f"{nearest(name, list(targets))} (edgetool targets lists all)",
        )
    return targets[name]
