from __future__ import annotations

import os

import pytest

from edgetool.runners.conditions import ReadFiles
from edgetool.runners.machine import (
    SIBLINGS,
    _tenths,
    busy_cpus,
    choose_cpus,
    cpu_model,
    describe_machine,
    isa_flags,
    local_memory_bytes,
    machine_of,
    memory_limit_bytes,
)

INTEL = """processor\t: 0
model name\t: Intel(R) Xeon(R) Gold 6338 CPU @ 2.00GHz
flags\t\t: fpu sse4_1 avx avx2 fma avx512f avx512_vnni hypervisor
"""
ARM = """processor\t: 0
BogoMIPS\t: 108.00
Features\t: fp asimd evtstrm crc32 asimdhp asimddp

Hardware\t: BCM2835
Model\t\t: Raspberry Pi 5 Model B Rev 1.0
"""


def test_cpu_and_flags_of_x86_and_arm() -> None:
    assert cpu_model(INTEL) == "Intel(R) Xeon(R) Gold 6338 CPU @ 2.00GHz"
    assert isa_flags(INTEL) == ("sse4_1", "avx", "avx2", "fma", "avx512f", "avx512_vnni")
    assert cpu_model(ARM) == "Raspberry Pi 5 Model B Rev 1.0"
    assert isa_flags(ARM) == ("asimd", "asimdhp", "asimddp")


def test_unknown_cpuinfo_gives_nothing() -> None:
    assert cpu_model("") == "" and isa_flags("") == ()


@pytest.fixture
def eight_cpus(monkeypatch: pytest.MonkeyPatch) -> ReadFiles:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))
    siblings = {cpu: f"{cpu % 4},{cpu % 4 + 4}\n" for cpu in range(8)}  # CPUs 0 and 4 are one core, and so on
    texts = {SIBLINGS.format(cpu=cpu): text for cpu, text in siblings.items()}
    return lambda patterns: texts


def test_threads_get_cores_of_their_own_first_and_cpu_0_last(eight_cpus: ReadFiles) -> None:
    assert choose_cpus(1, busy={}, read=eight_cpus) == (7,)
    assert choose_cpus(4, busy={}, read=eight_cpus) == (4, 5, 6, 7)
    assert choose_cpus(7, busy={}, read=eight_cpus) == (1, 2, 3, 4, 5, 6, 7)
    assert choose_cpus(99, busy={}, read=eight_cpus) == tuple(range(8))


def test_idle_cpus_come_first(eight_cpus: ReadFiles) -> None:
    assert choose_cpus(1, busy={7: 0.9, 6: 0.5}, read=eight_cpus) == (5,)
    assert choose_cpus(1, busy=dict.fromkeys(range(1, 8), 0.9), read=eight_cpus) == (0,)
    assert choose_cpus(1, busy={7: 0.02}, read=eight_cpus) == (7,), "a little noise does not decide"


def test_tenths() -> None:
    assert [_tenths(share) for share in (0.0, 0.04, 0.06, 1.0)] == [0, 0, 1, 10]


def test_this_machine_can_be_described() -> None:
    machine = describe_machine()
    assert machine.cpu and machine.num_cpus == len(os.sched_getaffinity(0))
    assert machine.memory_bytes > 1 << 28 and memory_limit_bytes(machine.memory_bytes) > machine.memory_bytes
    assert machine.memory_bytes == local_memory_bytes()
    assert machine.versions["numpy"] and machine.versions["onnxruntime"]


def test_another_machine_is_described_by_its_own_files() -> None:
    probed = {
        "system": "Linux 6.6.31 aarch64",
        "processor": "aarch64",
        "cpus": [0, 1, 2, 3],
        "memory_bytes": 8 << 30,
        "python": "3.11.2",
        "versions": {"ai-edge-litert": "2.3.0"},
    }
    texts = {"/proc/cpuinfo": ARM, "/sys/fs/cgroup/memory.max": f"{4 << 30}\n"}
    machine = machine_of(probed, lambda patterns: texts)
    assert (machine.cpu, machine.num_cpus, machine.isa) == (
        "Raspberry Pi 5 Model B Rev 1.0",
        4,
        ("asimd", "asimdhp", "asimddp"),
    )
    assert (machine.memory_bytes, machine.gpu, machine.versions) == (4 << 30, "", {"ai-edge-litert": "2.3.0"})
    bare = machine_of(probed, lambda patterns: {"/sys/fs/cgroup/memory.max": "max\n"})
    assert (bare.cpu, bare.memory_bytes) == ("aarch64", 8 << 30)
    assert machine.key == machine_of(probed, lambda patterns: texts).key != bare.key


def test_a_gpu_is_named_by_the_files_of_its_driver() -> None:
    texts = {
        "/proc/driver/nvidia/gpus/0000:01:00.0/information": "Model: \t\t NVIDIA Orin\nIRQ: 5\n",
        "/proc/driver/nvidia/version": "NVRM version: NVIDIA UNIX Kernel Module  540.4.0  Tue\n",
    }
    probed = {"system": "", "processor": "", "cpus": [0], "memory_bytes": 1, "python": "", "versions": {}}
    assert machine_of(probed, lambda patterns: texts).gpu == "NVIDIA Orin, driver 540.4.0"


def test_busy_shares_are_shares() -> None:
    busy = busy_cpus(0.05)
    assert set(busy) >= os.sched_getaffinity(0)
    assert all(0.0 <= share <= 1.0 for share in busy.values())
