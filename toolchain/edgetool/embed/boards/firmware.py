"""A bundle as firmware of an emulated board: built, run in QEMU, instructions and memory measured."""

from __future__ import annotations

import shlex
import shutil
import string
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from edgetool.embed.bundles.c_bundle import optimization_flag
from edgetool.embed.emit.calls import buffer_lines, check_lines, fill_lines, print_lines, run_call
from edgetool.embed.program import Program
from edgetool.errors import (
    CompilerError,
    EdgetoolError,
    InterpreterCrashError,
    InterpreterTimeoutError,
    MissingDependencyError,
    TargetError,
)
from edgetool.runners.program import run_text
from edgetool.targets import Qemu, Target, Toolchain

__all__ = [
    "FirmwareRun",
    "board_folder",
    "emulator_command",
    "linker_memory",
    "missing_packages",
    "require_runnable",
    "run_firmware",
    "run_outputs",
]

#: Folders of the boards that edgetool has start-up code for lie beside it; measuring is the same on all.
BOARDS = Path(__file__).parent
SOURCES = BOARDS / "firmware_sources"

#: What a board has of its own.
BOARD_FILES = ("board.h", "startup.c", "link.ld")

FLAGS = (
    "-std=c99",
    "-ffunction-sections",
    "-fdata-sections",
    "-Wl,--gc-sections",
    "-nostartfiles",
    "-Wall",
    "-Wextra",
    "-Werror",
)
TIMEOUT_S = 600.0
VECTORS_BYTES = 64
NS_PER_INSTRUCTION = 1  # of `-icount shift=0`

#: Sections that are flash, without the test vectors, which no product ships; those that are static RAM.
FLASH_SECTIONS = (".vectors", ".text", ".rodata", ".ARM.exidx", ".data")
RAM_SECTIONS = (".data", ".bss")


@dataclass(frozen=True, slots=True)
class FirmwareRun:
    """What an emulated board measured.

    Attributes:
        num_failed: test vectors of which any output byte differs from LiteRT's reference kernels.
        num_instructions: of one inference, the most over the test vectors; QEMU counts, it does not model time.
        flash_bytes: vector table, code, constants and initial data, with the measuring code, without test vectors.
        ram_bytes: arena, other static data, and the stack's peak during an inference.
        stack_bytes: that peak.
        arena_is_whole: the words before and behind the arena were not touched.
    """

    target: str
    num_vectors: int
    num_failed: int
    num_instructions: int
    flash_bytes: int
    ram_bytes: int
    stack_bytes: int
    arena_is_whole: bool


def run_firmware(bundle: Path, name: str, program: Program, target: Target, *, optimize: str = "speed") -> FirmwareRun:
    """Build a bundle with start-up code for `target`, run its test vectors in QEMU and return what was measured.

    Args:
        bundle: a folder of `write_bundle`.
        name: prefix of what its header declares.
        program: what it was written from, with its inputs and outputs where the bundle has them.
        target: with the runner `qemu`.
        optimize: as the bundle was written for.

    Raises:
        TargetError: a target that QEMU does not run.
        MissingDependencyError: compiler or emulator are not installed; says which package has them.
        CompilerError: the compiler or linker refused.
        InterpreterCrashError: the firmware faulted.
        InterpreterTimeoutError: it did not end.
    """
    require_runnable(target)
    assert target.qemu is not None and target.toolchain is not None
    with tempfile.TemporaryDirectory(prefix="edgetool-") as folder:
        flag = optimization_flag(optimize)
        sources = _write_sources(Path(folder), name, program, target, main="measure.c")
        image = _build(bundle, name, sources, target.toolchain, flag, main="measure.c")
        sizes = _sections(image, target.toolchain)
        found = _figures(_emulate(image, target.qemu, str(bundle)), str(bundle))
    return FirmwareRun(
        target=target.name,
        num_vectors=found["vectors"],
        num_failed=found["failed"],
        num_instructions=round(found["ticks"] * 1e9 / target.qemu.timer_hz / NS_PER_INSTRUCTION),
        flash_bytes=sum(sizes.get(section, 0) for section in FLASH_SECTIONS),
        ram_bytes=sum(sizes.get(section, 0) for section in RAM_SECTIONS) + found["stack"],
        stack_bytes=found["stack"],
        arena_is_whole=bool(found["guards"]),
    )


def run_outputs(bundle: Path, name: str, program: Program, target: Target) -> list[bytes]:
    """Build a bundle as `run_firmware` does, and return the outputs of its test vectors as the board computes them.

    Returns:
        The bytes of each output of the first vector, then of the second, and so on.

    Raises:
        EdgetoolError: see `run_firmware`.
    """
    require_runnable(target)
    assert target.qemu is not None and target.toolchain is not None
    with tempfile.TemporaryDirectory(prefix="edgetool-") as folder:
        flag = optimization_flag("speed")
        sources = _write_sources(Path(folder), name, program, target, main="outputs.c")
        image = _build(bundle, name, sources, target.toolchain, flag, main="outputs.c")
        *lines, end = _emulate(image, target.qemu, str(bundle)).splitlines() or [""]
    if end != "end":
        raise _no_answer(str(bundle), end)
    return [bytes.fromhex(line) for line in lines]


def require_runnable(target: Target) -> None:
    """Refuse a target that QEMU does not run, or a machine without compiler or emulator.

    Raises:
        TargetError, MissingDependencyError: see `run_firmware`.
    """
    if target.qemu is None:
        raise TargetError(
            f"--target {target.name}",
            found=f"runner {target.runner!r}",
            expected="a target that QEMU runs, for --run",
            next_step="--target cortex-m4-qemu, or leave --run out",
        )
    for tool, packages in missing_packages(target).items():
        raise MissingDependencyError(
            tool, found="not installed", expected="a tool that --run needs", next_step=f"apt install {packages}"
        )


def missing_packages(target: Target) -> dict[str, str]:
    """Return the commands that a target's firmware needs and this machine lacks, with the packages that have them."""
    if target.toolchain is None or target.qemu is None:
        return {}
    tools = (target.toolchain.compiler, target.toolchain.size, target.qemu.emulator)
    packages = target.toolchain.packages
    return {tool: packages.get(tool, tool) for tool in tools if shutil.which(tool) is None}


def board_folder(target: Target) -> Path:
    """Return the folder of a target's `board.h`, `startup.c` and `link.ld`.

    Raises:
        TargetError: one of them is not there.
    """
    assert target.toolchain is not None
    folder = BOARDS / target.toolchain.board if target.toolchain.board else Path(target.folder)
    missing = [file for file in BOARD_FILES if not (folder / file).is_file()]
    if missing:
        raise TargetError(
            f"--target {target.name}",
            found=f"no {missing[0]} in {folder}",
            expected=f"{', '.join(BOARD_FILES)} of the board",
            next_step='add it beside target.toml, or name a board of edgetool: board = "cortex_m" in [toolchain]',
        )
    return folder


def _write_sources(folder: Path, name: str, program: Program, target: Target, *, main: str) -> Path:
    """Write the file `main`, which calls a model, the board's C and the linker script into a folder, and return it."""
    assert target.toolchain is not None
    values = {
        "name": name,
        "buffers": buffer_lines(program, name),
        "fill": fill_lines(program, name),
        "run": run_call(program, name),
        "check": check_lines(program, name),
        "write": print_lines(program, name),
    }
    board = board_folder(target)
    _fill(SOURCES / main, folder, values)
    _fill(board / "link.ld", folder, linker_memory(target, target.toolchain))
    for file in (SOURCES / "firmware.h", board / "board.h", board / "startup.c"):
        shutil.copyfile(file, folder / file.name)
    return folder


def _fill(template: Path, folder: Path, values: dict[str, str]) -> None:
    text = string.Template(template.read_text(encoding="utf-8")).substitute(values)
    (folder / template.name).write_text(text, encoding="utf-8")


def _build(bundle: Path, name: str, sources: Path, toolchain: Toolchain, flag: str, *, main: str) -> Path:
    image = sources / "firmware.elf"
    command = [
        toolchain.compiler,
        flag,
        *toolchain.flags,
        *FLAGS,
        *toolchain.link_flags,
        f"-I{bundle}",
        f"-I{sources}",
        "-DTEST_VECTORS_IN_SECTION",
        "-T",
        str(sources / "link.ld"),
        "-o",
        str(image),
        *(str(sources / file) for file in ("startup.c", main)),
        *(str(bundle / file) for file in (f"{name}.c", "weights.c")),
        "-lm",
    ]
    done = run_text(command, timeout_s=TIMEOUT_S)
    if done.returncode:
        raise CompilerError(
            shlex.join(command),
            found=done.stderr.strip()[-2000:],
            expected="firmware that builds and fits",
            next_step="write the bundle again with edgetool embed --overwrite",
        )
    return image


def linker_memory(target: Target, toolchain: Toolchain) -> dict[str, str]:
    """Return what `link.ld` is to be filled in with for a board that has this flash and RAM."""
    assert target.flash_bytes is not None and target.ram_bytes is not None
    is_one = toolchain.vectors_origin == toolchain.flash_origin
    return {
        "vectors_origin": hex(toolchain.vectors_origin),
        "code_origin": hex(toolchain.flash_origin + (VECTORS_BYTES if is_one else 0)),
        "flash_bytes": str(target.flash_bytes - (VECTORS_BYTES if is_one else 0)),
        "ram_origin": hex(toolchain.ram_origin),
        "ram_bytes": str(target.ram_bytes),
    }


def _sections(image: Path, toolchain: Toolchain) -> dict[str, int]:
    done = run_text([toolchain.size, "-A", str(image)], timeout_s=TIMEOUT_S)
    done.check_returncode()
    rows = [line.split() for line in done.stdout.splitlines() if line.startswith(".")]
    return {row[0]: int(row[1]) for row in rows}


def emulator_command(board: Qemu, image: Path) -> list[str]:
    """Return the command that runs an image on an emulated board, an instruction each nanosecond of its clock."""
    return [
        board.emulator,
        "-M",
        board.machine,
        *board.arguments,
        "-nographic",
        "-monitor",
        "none",
        "-serial",
        "none",
        "-semihosting-config",
        "enable=on,target=native",
        "-icount",
        "shift=0",
        "-kernel",
        str(image),
    ]


def _emulate(image: Path, board: Qemu, subject: str) -> str:
    """Run firmware to its end and return what it printed."""
    command = emulator_command(board, image)
    try:
        done = run_text(command, timeout_s=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        raise InterpreterTimeoutError(
            subject,
            found=f"no end within {TIMEOUT_S:g} s in QEMU",
            expected="an answer",
            next_step="try another target",
        ) from None
    return done.stderr


def _figures(printed: str, subject: str) -> dict[str, int]:
    """Return the figures that the measuring firmware printed."""
    found = dict(line.split() for line in printed.splitlines() if len(line.split()) == 2)
    if not {"vectors", "failed", "ticks", "stack", "guards"} <= set(found):
        raise _no_answer(subject, printed)
    return {key: int(value) for key, value in found.items() if value.isdecimal()}


def _no_answer(subject: str, said: str) -> EdgetoolError:
    return InterpreterCrashError(
        subject,
        found=f"firmware that ended early: {said.strip()[-300:] or 'no word'}",
        expected="the results of its test vectors",
        next_step="report it as a defect of edgetool",
    )
