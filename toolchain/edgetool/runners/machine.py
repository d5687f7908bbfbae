"""What machine this is: CPU, instruction sets, memory, GPU, versions; and which CPUs and how much memory to use."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import shutil
import subprocess
from importlib import metadata
from pathlib import Path

from edgetool.store.manifest import Machine

__all__ = ["ISA_FLAGS", "choose_cpus", "cpu_model", "describe_machine", "isa_flags", "memory_limit_bytes"]

#: Instruction sets that the kernels of LiteRT and onnxruntime are written for, as /proc/cpuinfo spells them.
ISA_FLAGS = (
    "sse4_1", "avx", "avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512_vnni",
    "avx_vnni", "avx512_bf16", "avx512_fp16", "amx_int8", "amx_bf16", "neon", "asimd",
    "asimdhp", "asimddp", "i8mm", "bf16", "sve", "sve2",
)  # fmt: skip

#: Packages whose versions decide what is measured.
PACKAGES = (
    "edgetool", "tensorflow", "tf-keras", "tensorflow-model-optimization", "keras",
    "tf2onnx", "onnx", "onnxruntime", "onnxruntime-gpu", "ai-edge-litert", "ai-edge-quantizer", "numpy",
)  # fmt: skip

#: Address space that an interpreter and its shared libraries take before any model.
_BASE_ADDRESS_SPACE = 8 << 30


def describe_machine() -> Machine:
    """Describe this machine for the manifest."""
    cpuinfo = _read(Path("/proc/cpuinfo"))
    return Machine(
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        cpu=cpu_model(cpuinfo) or platform.processor() or platform.machine(),
        num_cpus=len(os.sched_getaffinity(0)),
        isa=isa_flags(cpuinfo),
        memory_bytes=_memory_bytes(),
        gpu=_gpu_name(),
        python=platform.python_version(),
        versions=_versions(),
    )


def cpu_model(cpuinfo: str) -> str:
    """Return the CPU's name from the text of /proc/cpuinfo; empty where it has none."""
    for key in ("model name", "Model", "Hardware", "cpu model", "uarch"):
        match = re.search(rf"^{key}\s*:\s*(\S.*)$", cpuinfo, re.MULTILINE)
        if match:
            return match.group(1).strip()
    return ""


def isa_flags(cpuinfo: str) -> tuple[str, ...]:
    """Return those of `ISA_FLAGS` that the text of /proc/cpuinfo lists, in their order."""
    match = re.search(r"^(?:flags|Features|isa)\s*:\s*(.*)$", cpuinfo, re.MULTILINE)
    found = set(match.group(1).split()) if match else set()
    return tuple(flag for flag in ISA_FLAGS if flag in found)


def choose_cpus(num_threads: int) -> tuple[int, ...]:
    """Return the CPUs to pin `num_threads` threads to: of different cores first, high numbers first, CPU 0 last.

    CPU 0 serves most interrupts. Always the same answer, so that artefacts under comparison share their CPUs.
    """
    allowed = sorted(os.sched_getaffinity(0), reverse=True)
    first: list[int] = []
    second: list[int] = []
    seen: set[str] = set()
    for cpu in allowed:
        core = _read(Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")).strip() or str(cpu)
        (second if core in seen else first).append(cpu)
        seen.add(core)
    return tuple(sorted((first + second)[:num_threads]))


def memory_limit_bytes() -> int:
    """Return the address space that a model's process may have: all memory of this machine, and room for libraries."""
    return _memory_bytes() + _BASE_ADDRESS_SPACE


def _memory_bytes() -> int:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = _read(Path("/sys/fs/cgroup/memory.max")).strip()
    return min(total, int(limit)) if limit.isdigit() else total


def _gpu_name() -> str:
    program = shutil.which("nvidia-smi")
    if program is None:
        return ""
    command = [program, "--query-gpu=name,driver_version", "--format=csv,noheader"]
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        found = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
        lines = found.stdout.strip().splitlines()
        return lines[0].replace(", ", ", driver ") if lines else ""
    return ""


def _versions() -> dict[str, str]:
    versions: dict[str, str] = {}
    for package in PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[package] = metadata.version(package)
    return versions


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
