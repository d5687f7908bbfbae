"""Targets: what a device has. One folder with a `target.toml` each, and a source for every figure.

A target is named, given as the path of a `target.toml`, or described by figures on the command line.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from edgetool.catalog import load_object, scan
from edgetool.errors import MissingFileError, TargetError, UsageError, nearest
from edgetool.options.groups import TargetOptions
from edgetool.schema import load_toml, parse

__all__ = [
    "DEFAULT_TARGET",
    "Qemu",
    "Target",
    "Toolchain",
    "choose_target",
    "find_target",
    "list_targets",
    "parse_bytes",
    "parse_hertz",
    "parse_target",
]

#: The target where none is named.
DEFAULT_TARGET = "host"
#: Name of a target that the command line describes by figures alone.
CUSTOM = "custom"
TARGET_FILE = "target.toml"

#: Fields that are figures of the device.
FIGURES = ("flash_bytes", "ram_bytes", "clock_hz", "num_cores")

RUNTIMES = ("litert", "onnxruntime", "c", "tflm")
#: The table of runners stands on a higher floor, and is imported when a target is read.
RUNNERS = "edgetool.runners:RUNNERS"


@dataclass(frozen=True, slots=True)
class Toolchain:
    """How firmware for a board is built.

    Attributes:
        compiler: the command of the C compiler, which links too.
        size: the command that lists the sections of an image.
        flags: core, floating-point unit, calling convention, and what the start-up code is to be told.
        link_flags: the C library.
        packages: Debian's packages that have each command.
        vectors_origin: address of the vector table, or of the first instruction.
        flash_origin: of code and constants; the vector table stands first where it is the same address.
        ram_origin: of data, arena and stack.
        board: folder of `board.h`, `startup.c` and `link.ld`: one that edgetool has, or empty for the target's own.
    """

    compiler: str
    size: str
    flags: tuple[str, ...]
    link_flags: tuple[str, ...]
    packages: dict[str, str]
    vectors_origin: int
    flash_origin: int
    ram_origin: int
    board: str = ""


@dataclass(frozen=True, slots=True)
class Qemu:
    """A board that QEMU emulates, for firmware that counts its own instructions.

    Attributes:
        emulator: the command, `qemu-system-arm` for one.
        machine: what its `-M` is given.
        timer_hz: of the timer that `board.h` reads. Under `-icount shift=0` an instruction takes 1 ns of virtual time.
        arguments: what the emulator is told besides.
    """

    emulator: str
    machine: str
    timer_hz: int
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """A device and its budgets; None where there is no limit.

    Attributes:
        flash_bytes: room for the model file (and the program).
        ram_bytes: largest contiguous RAM, for activations.
        runtimes: see `RUNTIMES`.
        runner: how edgetool runs models there: a kind of the table in `edgetool.runners`, with the address of the
            device where the kind needs one: `KIND://ADDRESS`.
        has_fpu: the cores compute in float32; false: the compiler's library does.
        operators: supported operators; empty: no limit known.
        sources: where each figure comes from.
        toolchain: how firmware is built for it; None where edgetool builds none.
        qemu: the emulated board of the runner `qemu`.
        folder: where its `target.toml` lies; empty where it was read from no file.
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
    toolchain: Toolchain | None = None
    qemu: Qemu | None = None
    folder: str = ""

    @property
    def runner_kind(self) -> str:
        """The kind of the runner, without an address."""
        return self.runner.partition("://")[0]

    @property
    def runner_address(self) -> str:
        """The address of the device; empty where the runner has none."""
        return self.runner.partition("://")[2]


def choose_target(options: TargetOptions) -> Target:
    """Return the target that the options name, with the figures that they replace.

    Figures without a name describe a microcontroller: its runtimes are generated C and TensorFlow Lite Micro.

    Raises:
        TargetError: no such target, or its file is wrong.
        MissingFileError: no file of that path.
        UsageError: a figure is no size or frequency, or more than an emulated board has.
    """
    figures = {
        "flash_bytes": None if options.flash is None else parse_bytes("--flash", options.flash),
        "ram_bytes": None if options.ram is None else parse_bytes("--ram", options.ram),
        "clock_hz": None if options.clock is None else parse_hertz("--clock", options.clock),
    }
    stated = [name for name, value in figures.items() if value is not None]
    if options.target is None and stated:
        base = Target(CUSTOM, "A device described on the command line", "", ("c", "tflm"), "none")
    else:
        base = find_target(options.target or DEFAULT_TARGET)
    _require_memory(base, "--flash", options.flash, figures["flash_bytes"], base.flash_bytes)
    _require_memory(base, "--ram", options.ram, figures["ram_bytes"], base.ram_bytes)
    return dataclasses.replace(
        base,
        flash_bytes=figures["flash_bytes"] or base.flash_bytes,
        ram_bytes=figures["ram_bytes"] or base.ram_bytes,
        clock_hz=figures["clock_hz"] or base.clock_hz,
        sources={**base.sources, **dict.fromkeys(stated, "the command line")},
    )


def _require_memory(base: Target, option: str, text: str | None, stated: int | None, own: int | None) -> None:
    """Refuse more memory than an emulated board has: firmware would be linked to where nothing is."""
    if base.qemu is None or stated is None or own is None or stated <= own:
        return
    raise UsageError(
        option,
        found=f"{text}, more than the emulated board of {base.name} has",
        expected=f"at most {own} bytes",
        next_step=f"leave {option} out, or choose another --target",
    )


def parse_bytes(option: str, text: str) -> int:
    """Return bytes from `512k`, `2M`, `1.5MiB` or `524288`; k and M count in 1,024 as the data sheets of devices do.

    Raises:
        UsageError: anything else, or less than one byte.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(k|m|g)?(?:i?b|bytes)?", text.strip().lower())
    value = 0 if match is None else round(float(match[1]) * 1024 ** " kmg".index(match[2] or " "))
    if value < 1:
        raise UsageError(
            option,
            found=repr(text),
            expected="a size in bytes, or with k, M or G",
            next_step=f"for example {option} 512k",
        )
    return value


def parse_hertz(option: str, text: str) -> int:
    """Return hertz from `480MHz`, `480M`, `1.5GHz` or `16000000`.

    Raises:
        UsageError: anything else, or less than one hertz.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(k|m|g)?(?:hz)?", text.strip().lower())
    value = 0 if match is None else round(float(match[1]) * 1000 ** " kmg".index(match[2] or " "))
    if value < 1:
        raise UsageError(option, found=repr(text), expected="a frequency", next_step=f"for example {option} 480MHz")
    return value


def list_targets() -> list[Target]:
    """Return every target, sorted by name.

    Raises:
        TargetError: a `target.toml` is wrong.
    """
    found = scan("edgetool_targets", "edgetool.targets", "target.toml", error=TargetError)
    targets = [_parse_file(path) for _, path in found.values()]
    return sorted(targets, key=lambda target: target.name)


def parse_target(fields: Mapping[str, object], *, source: str) -> Target:
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
    runners = tuple(load_object(RUNNERS))
    for kind, names, valid in (("runtime", target.runtimes, RUNTIMES), ("runner", (target.runner_kind,), runners)):
        for name in names:
            if name not in valid:
                raise TargetError(
                    source,
                    found=f"unknown {kind} {name!r}",
                    expected=f"a known {kind}",
                    next_step=nearest(name, [*valid]),
                )
    _require_board(target, source)
    for name in target.sources:
        if getattr(target, name, None) is None:
            raise TargetError(
                source,
                found=f"a source for {name}, which is not given",
                expected="the figure too",
                next_step=nearest(name, [*FIGURES]),
            )
    return target


def _require_board(target: Target, source: str) -> None:
    """Refuse a target whose runner has no board, or whose board has no tool chain."""
    if (target.runner == "qemu") != (target.qemu is not None):
        raise TargetError(
            source,
            found=f"runner {target.runner!r} {'with' if target.qemu else 'without'} a table [qemu]",
            expected="both or neither",
            next_step="add the table, or correct the runner",
        )
    if target.qemu is not None and target.toolchain is None:
        raise TargetError(
            source,
            found="a table [qemu] without a table [toolchain]",
            expected="compiler, flags and addresses of the board",
            next_step="add the table; that of cortex-m4-qemu is an example",
        )
    if target.toolchain is not None:
        _require_command(target.toolchain.compiler, r"[a-z0-9_.-]*(gcc|clang)", source)
        _require_command(target.toolchain.size, r"[a-z0-9_.-]*size", source)
    if target.qemu is not None:
        _require_command(target.qemu.emulator, r"qemu-system-[a-z0-9_]+", source)


def _require_command(command: str, pattern: str, source: str) -> None:
    """Refuse a command that is no compiler or emulator: a file from elsewhere must not have others run."""
    if not re.fullmatch(pattern, command):
        raise TargetError(
            source,
            found=f"the command {command!r}",
            expected="a compiler of gcc or clang, its size, and qemu-system-...",
            next_step="name the command as it is found on PATH, without a folder",
        )


def find_target(name: str) -> Target:
    """Return the target of that name, or the one that a file of that path describes.

    Raises:
        TargetError: there is none, or its file is wrong.
        MissingFileError: `name` is a path, and no file is there.
    """
    targets = {target.name: target for target in list_targets()}
    if name in targets:
        return targets[name]
    if name.endswith(".toml") or "/" in name or Path(name, TARGET_FILE).is_file():
        return _read_target(Path(name))
    raise TargetError(
        f"--target {name}",
        found="no such target",
        expected="a name that `edgetool targets` lists, or the path of a target.toml",
        next_step=f"{_spelling(name, list(targets))}for a board of your own, leave --target out and give its "
        "figures: --flash 1M --ram 256k",
    )


def _read_target(path: Path) -> Target:
    file = path / TARGET_FILE if path.is_dir() else path
    if not file.is_file():
        raise MissingFileError(
            f"--target {path}",
            found="no such file",
            expected="a target.toml or the folder of one",
            next_step="check the path; edgetool targets lists the names",
        )
    return _parse_file(file)


def _parse_file(file: Path) -> Target:
    target = parse_target(load_toml(file, error=TargetError), source=str(file))
    return dataclasses.replace(target, folder=str(file.parent))


def _spelling(name: str, valid: list[str]) -> str:
    """Return the nearest name where only letters are misspelt: other digits are another device with other figures."""
    digits = sorted(re.findall(r"\d", name))
    alike = [candidate for candidate in valid if sorted(re.findall(r"\d", candidate)) == digits]
    hint = nearest(name, alike) if alike else ""
    return f"{hint} " if hint.startswith("did you mean") else ""
