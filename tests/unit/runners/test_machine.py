from __future__ import annotations

import os

import pytest

from edgetool.runners.machine import (
    _tenths,
    busy_cpus,
    choose_cpus,
    cpu_model,
    describe_machine,
    isa_flags,
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
def eight_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))
    siblings = {cpu: f"{cpu % 4},{cpu % 4 + 4}\n" for cpu in range(8)}  # CPUs 0 and 4 are one core, and so on
    monkeypatch.setattr(
        "edgetool.runners.machine._read",
        lambda path: siblings[int(path.parts[5].removeprefix("cpu"))] if "topology" in path.parts else "",
    )


@pytest.mark.usefixtures("eight_cpus")
def test_threads_get_cores_of_their_own_first_and_cpu_0_last() -> None:
    assert choose_cpus(1, busy={}) == (7,)
    assert choose_cpus(4, busy={}) == (4, 5, 6, 7)
    assert choose_cpus(7, busy={}) == (1, 2, 3, 4, 5, 6, 7)
    assert choose_cpus(99, busy={}) == tuple(range(8))


@pytest.mark.usefixtures("eight_cpus")
def test_idle_cpus_come_first() -> None:
    assert choose_cpus(1, busy={7: 0.9, 6: 0.5}) == (5,)
    assert choose_cpus(1, busy=dict.fromkeys(range(1, 8), 0.9)) == (0,)
    assert choose_cpus(1, busy={7: 0.02}) == (7,), "a little noise does not decide"


def test_tenths() -> None:
    assert [_tenths(share) for share in (0.0, 0.04, 0.06, 1.0)] == [0, 0, 1, 10]


def test_this_machine_can_be_described() -> None:
    machine = describe_machine()
    assert machine.cpu and machine.num_cpus == len(os.sched_getaffinity(0))
    assert machine.memory_bytes > 1 << 28 and memory_limit_bytes() > machine.memory_bytes
    assert machine.versions["numpy"] and machine.versions["onnxruntime"]


def test_busy_shares_are_shares() -> None:
    busy = busy_cpus(0.05)
    assert set(busy) >= os.sched_getaffinity(0)
    assert all(0.0 <= share <= 1.0 for share in busy.values())
