"""Python, packages, programs, GPU and data folder: what is there, by looking, without running models."""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from edgetool.doctor.record import Finding
from edgetool.extras import install_command
from edgetool.runners.program import run_text

__all__ = ["PROGRAMS", "Program", "check_data", "check_gpu", "check_packages", "check_programs", "check_python"]

#: Extra -> what it is for; extras for development are not looked at.
EXTRAS = {
    "parquet": "Parquet tables as --data",
    "gpu": "bench --device gpu (CUDA) and GPU energy",
    "jax": "train --backend jax, JAX models",
    "litert-torch": "TFLite files of PyTorch models",
    "torch": "train --backend torch, PyTorch models",
}


@dataclass(frozen=True, slots=True)
class Program:
    """A program of the system.

    Attributes:
        names: any of them will do.
        apt: the Debian package that has it.
        purpose: what edgetool does with it.
    """

    names: tuple[str, ...]
    apt: str
    purpose: str


PROGRAMS = (
    Program(("gcc", "cc"), "gcc", "compiles embedded models on this machine"),
    Program(("g++", "c++"), "g++", "compiles embedded models as C++"),
    Program(("make",), "make", "make demo, make test"),
    Program(("arm-none-eabi-gcc",), "gcc-arm-none-eabi", "compiles embedded models for Cortex-M"),
    Program(("qemu-system-arm",), "qemu-system-arm", "runs firmware on an emulated Cortex-M"),
    Program(("riscv64-unknown-elf-gcc",), "gcc-riscv64-unknown-elf", "compiles embedded models for RISC-V"),
    Program(("qemu-system-riscv32",), "qemu-system-misc", "runs firmware on an emulated RISC-V"),
    Program(("chromium", "google-chrome", "chrome"), "chromium", "opens reports in tests; runs models in a browser"),
    Program(("valgrind",), "valgrind", "checks generated C for memory errors"),
    Program(("ssh",), "openssh-client", "reaches other machines"),
)


def check_python() -> Finding:
    """Check the interpreter against `requires-python`."""
    wanted = metadata.metadata("edgetool")["Requires-Python"]
    fits = SpecifierSet(wanted).contains(platform.python_version())
    return Finding(
        "python",
        "python",
        "ok" if fits else "broken",
        True,
        f"{platform.python_version()} ({sys.executable})",
        f"edgetool needs {wanted}",
        "" if fits else "install Python 3.11 and make the environment again",
    )


def check_packages(requirements: list[str] | None = None) -> list[Finding]:
    """Check every requirement of edgetool, and of its extras for users, by installed version.

    Args:
        requirements: Requirements as package metadata states them; edgetool's own by default.
    """
    findings = []
    for line in metadata.requires("edgetool") or [] if requirements is None else requirements:
        requirement = Requirement(line)
        extra = _extra(requirement)
        if extra is None or extra in EXTRAS:
            findings.append(_check_package(requirement, extra))
    return sorted(findings, key=lambda finding: (not finding.required, finding.name))


def _extra(requirement: Requirement) -> str | None:
    """Return the extra that asks for `requirement`; None for one that always holds."""
    if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
        return None
    return next((name for name in (*EXTRAS, "dev") if requirement.marker.evaluate({"extra": name})), "")


def _check_package(requirement: Requirement, extra: str | None) -> Finding:
    purpose = "required" if extra is None else EXTRAS[extra]
    fix = f"pip install '{requirement.name}{requirement.specifier}'" if extra is None else install_command(extra)
    try:
        version = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        wanted = f"not installed, wanted {requirement.specifier}"
        return Finding("package", requirement.name, "missing", extra is None, wanted, purpose, fix)
    if not requirement.specifier.contains(version, prereleases=True):
        found = f"{version}, wanted {requirement.specifier}"
        return Finding("package", requirement.name, "broken", extra is None, found, purpose, fix)
    return Finding("package", requirement.name, "ok", extra is None, version, purpose)


def check_programs(programs: tuple[Program, ...] = PROGRAMS) -> list[Finding]:
    """Look for the programs that some commands use; none is required to compress, verify or bench."""
    return [_check_program(program) for program in programs]


def _check_program(program: Program) -> Finding:
    name = program.names[0]
    path = next((found for choice in program.names if (found := shutil.which(choice))), None)
    if path is None:
        fix = f"sudo apt-get install {program.apt}"
        return Finding("program", name, "missing", False, "not on PATH", program.purpose, fix)
    version = _first_line([path, "-V" if name == "ssh" else "--version"])
    if not version:
        fix = f"sudo apt-get install --reinstall {program.apt}"
        return Finding("program", name, "broken", False, f"{path} does not start", program.purpose, fix)
    return Finding("program", name, "ok", False, version, program.purpose)


def check_gpu() -> Finding:
    """Look for an NVIDIA GPU and for onnxruntime's CUDA provider."""
    purpose = "bench --device gpu, faster training"
    path = shutil.which("nvidia-smi")
    name = _first_line([path, "--query-gpu=name,driver_version", "--format=csv,noheader"]) if path else ""
    if not name:
        return Finding("device", "nvidia gpu", "missing", False, "no GPU that nvidia-smi knows", purpose)
    with contextlib.suppress(metadata.PackageNotFoundError):
        version = metadata.version("onnxruntime-gpu")
        return Finding("device", "nvidia gpu", "ok", False, f"{name}; onnxruntime-gpu {version}", purpose)
    found = f"{name}; onnxruntime-gpu is not installed"
    return Finding("device", "nvidia gpu", "broken", False, found, purpose, install_command("gpu"))


def check_data() -> Finding:
    """Look at the folder that `EDGETOOL_DATA` names."""
    purpose = "--data cifar10, --data cifar10-jpeg without a download"
    folder = os.environ.get("EDGETOOL_DATA")
    if not folder:
        return Finding(
            "data",
            "EDGETOOL_DATA",
            "missing",
            False,
            "not set",
            purpose,
            "export EDGETOOL_DATA=FOLDER, if you have one",
        )
    if not Path(folder).is_dir():
        return Finding("data", "EDGETOOL_DATA", "broken", False, f"{folder}: no such folder", purpose, "correct it")
    names = [name for name in ("cifar10.npz", "cifar10_jpeg.npz") if (Path(folder) / name).is_file()]
    return Finding(
        "data", "EDGETOOL_DATA", "ok", False, f"{folder}: {', '.join(names) or 'no known data set'}", purpose
    )


def _first_line(command: list[str]) -> str:
    """Return the first line that a program prints; empty where it fails."""
    try:
        done = run_text(command, timeout_s=20)
    except (OSError, subprocess.SubprocessError):
        return ""
    lines = (done.stdout or done.stderr).strip().splitlines()
    return lines[0].strip() if lines and done.returncode == 0 else ""
