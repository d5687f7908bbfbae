"""What machine this is: CPU, instruction sets, memory, GPU, versions; and which CPUs and how much memory to use."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import shutil
import subprocess
import time
from collections.abc import Collection, Mapping
from importlib import metadata
from typing import Any

from edgetool.records import Machine
from edgetool.runners.agent import read_files
from edgetool.runners.conditions import ReadFiles
from edgetool.runners.program import run_text

__all__ = [
    "ISA_FLAGS",
    "busy_cpus",
    "choose_cpus",
    "cpu_model",
    "describe_machine",
    "isa_flags",
    "local_memory_bytes",
    "machine_of",
    "memory_limit_bytes",
]

#: Instruction sets that the kernels of LiteRT and onnxruntime are written for, as /proc/cpuinfo spells them.
ISA_FLAGS = (
    "sse4_1",
    "avx",
    "avx2",
    "fma",
    "f16c",
    "avx512f",
    "avx512bw",
    "avx512_vnni",
    "avx_vnni",
    "avx512_bf16",
    "avx512_fp16",
    "amx_int8",
    "amx_bf16",
    "neon",
    "asimd",
    "asimdhp",
    "asimddp",
    "i8mm",
    "bf16",
    "sve",
    "sve2",
)

#: Packages whose versions decide what is measured.
PACKAGES = (
    "edgetool",
    "tensorflow",
    "tf-keras",
    "tensorflow-model-optimization",
    "keras",
    "tf2onnx",
    "onnx",
    "onnxruntime",
    "onnxruntime-gpu",
    "ai-edge-litert",
    "litert-quantizer",
    "numpy",
    "torch",
    "jax",
)

CPUINFO = "/proc/cpuinfo"
STAT = "/proc/stat"
MEMORY_LIMIT = "/sys/fs/cgroup/memory.max"
NVIDIA_DRIVER = "/proc/driver/nvidia/version"
NVIDIA_MODELS = "/proc/driver/nvidia/gpus/*/information"
SIBLINGS = "/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list"
#: What a machine is described by.
FILES = (CPUINFO, MEMORY_LIMIT, NVIDIA_DRIVER, NVIDIA_MODELS)

#: Address space that an interpreter and its shared libraries take before any model.
_BASE_ADDRESS_SPACE = 8 << 30


def describe_machine() -> Machine:
    """Describe this machine for the manifest."""
    texts = read_files(FILES)
    cpuinfo = texts.get(CPUINFO, "")
    return Machine(
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        cpu=cpu_model(cpuinfo) or platform.processor() or platform.machine(),
        num_cpus=len(os.sched_getaffinity(0)),
        isa=isa_flags(cpuinfo),
        memory_bytes=local_memory_bytes(),
        gpu=_gpu_name(),
        python=platform.python_version(),
        versions=_versions(),
    )


def machine_of(answer: Mapping[str, Any], read: ReadFiles) -> Machine:
    """Describe the machine of an agent.

    Args:
        answer: of the agent's `probe`.
        read: reads files of that machine.
    """
    texts = read(FILES)
    cpuinfo = texts.get(CPUINFO, "")
    return Machine(
        system=str(answer["system"]),
        cpu=cpu_model(cpuinfo) or str(answer["processor"]),
        num_cpus=len(answer["cpus"]),
        isa=isa_flags(cpuinfo),
        memory_bytes=_within_container(int(answer["memory_bytes"]), texts),
        gpu=_nvidia_model(texts),
        python=str(answer["python"]),
        versions=dict(answer["versions"]),
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


def choose_cpus(
    num_threads: int,
    *,
    busy: Mapping[int, float] | None = None,
    allowed: Collection[int] | None = None,
    read: ReadFiles = read_files,
) -> tuple[int, ...]:
    """Return the CPUs to pin `num_threads` threads to: idle ones first, then of different cores, CPU 0 last.

    CPU 0 serves most interrupts.

    Args:
        num_threads: how many CPUs to return; fewer where this process may not use as many.
        busy: share of time, 0..1, that each CPU is at work; default: as measured now, which takes 0.1 s.
        allowed: CPUs to choose from; default: those that this process may use.
        read: reads files of the machine; default: of this one.
    """
    cpus = os.sched_getaffinity(0) if allowed is None else allowed
    load = busy_cpus(read=read) if busy is None else busy
    texts = read([SIBLINGS.format(cpu="[0-9]*")])
    siblings: dict[str, int] = {}
    ranked: list[tuple[int, int, int]] = []
    for cpu in sorted(cpus, key=lambda c: (_tenths(load.get(c, 0.0)), c == 0, -c)):
        core = texts.get(SIBLINGS.format(cpu=cpu), "").strip() or str(cpu)
        rank = siblings.get(core, 0)
        siblings[core] = rank + 1
        ranked.append((rank, len(ranked), cpu))
    return tuple(sorted(cpu for _, _, cpu in sorted(ranked)[:num_threads]))


def busy_cpus(seconds: float = 0.1, *, read: ReadFiles = read_files) -> dict[int, float]:
    """Return the share of the next `seconds` that each CPU is at work, 0..1; empty where Linux does not say."""
    before = _cpu_ticks(read)
    time.sleep(seconds)
    after = _cpu_ticks(read)
    busy = {}
    for cpu, (work, total) in after.items():
        work_before, total_before = before.get(cpu, (work, total))
        busy[cpu] = (work - work_before) / max(1, total - total_before)
    return busy


def memory_limit_bytes(memory_bytes: int) -> int:
    """Return the address space that a model's process may have: all memory of its machine, and room for libraries."""
    return memory_bytes + _BASE_ADDRESS_SPACE


def local_memory_bytes() -> int:
    """Return the memory of this machine, or as much of it as its container may use."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return _within_container(total, read_files([MEMORY_LIMIT]))


def _cpu_ticks(read: ReadFiles) -> dict[int, tuple[int, int]]:
    """Return (ticks at work, all ticks) of each CPU since the start of the system."""
    ticks = {}
    for match in re.finditer(r"^cpu(\d+)((?: \d+)+)$", read([STAT]).get(STAT, ""), re.MULTILINE):
        values = [int(word) for word in match.group(2).split()][:8]
        idle = sum(values[3:5])  # idle and iowait: proc(5)
        ticks[int(match.group(1))] = (sum(values) - idle, sum(values))
    return ticks


def _tenths(share: float) -> int:
    """Return a share in tenths, so that a little noise does not decide."""
    return round(share * 10)


def _within_container(total: int, texts: Mapping[str, str]) -> int:
    limit = texts.get(MEMORY_LIMIT, "").strip()
    return min(total, int(limit)) if limit.isdigit() else total


def _nvidia_model(texts: Mapping[str, str]) -> str:
    """Return the first GPU's name and its driver as NVIDIA's driver tells them in files; empty without."""
    model = ""
    for path, text in texts.items():
        match = re.search(r"^Model:\s*(\S.*)$", text, re.MULTILINE)
        if path.endswith("/information") and match:
            model = model or match.group(1).strip()
    driver = re.search(r"\s(\d+\.[\d.]+)\s", texts.get(NVIDIA_DRIVER, ""))
    return f"{model}, driver {driver.group(1)}" if model and driver else model


def _gpu_name() -> str:
    program = shutil.which("nvidia-smi")
    if program is None:
        return ""
    command = [program, "--query-gpu=name,driver_version", "--format=csv,noheader"]
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        found = run_text(command, timeout_s=10)
        found.check_returncode()
        lines = found.stdout.strip().splitlines()
        return lines[0].replace(", ", ", driver ") if lines else ""
    return ""


def _versions() -> dict[str, str]:
    versions: dict[str, str] = {}
    for package in PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[package] = metadata.version(package)
    return versions
