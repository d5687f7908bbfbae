"""The conditions that a machine measures under, as its own files tell them: load, stolen time, heat, clocks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from edgetool.runners.agent import read_files

__all__ = ["Conditions", "ReadFiles", "read_conditions"]

#: Returns path -> text of the files that match shell patterns, on the machine in question; see `agent.read_files`.
ReadFiles = Callable[[Sequence[str]], Mapping[str, str]]

STAT = "/proc/stat"
LOAD = "/proc/loadavg"
THROTTLED = "/sys/devices/system/cpu/cpu[0-9]*/thermal_throttle/core_throttle_count"
QUOTAS = ("/sys/fs/cgroup/cpu.stat", "/sys/fs/cgroup/cpu/cpu.stat")
GOVERNOR = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"
CLOCK = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq"
TEMPERATURE = "/sys/class/thermal/thermal_zone[0-9]*/temp"


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a machine says about itself at one moment; what it does not say is 0, empty or None.

    Attributes:
        load: 1-minute load average, processes.
        steal_ticks: CPU time that the hypervisor gave to others, all CPUs.
        total_ticks: CPU time of all CPUs.
        num_throttled: times that thermal limits or the container's CPU quota held the CPUs back.
        governor: frequency governor of the first CPU.
        clock_hz: frequency of the first CPU at this moment.
        temperature_c: of the hottest thermal zone, in degrees Celsius.
    """

    load: float = 0.0
    steal_ticks: int = 0
    total_ticks: int = 0
    num_throttled: int = 0
    governor: str = ""
    clock_hz: int | None = None
    temperature_c: float | None = None


def read_conditions(read: ReadFiles = read_files) -> Conditions:
    """Read what Linux says about load, stolen time, throttling and clocks.

    Args:
        read: reads files of the machine; default: of this one.
    """
    texts = read([STAT, LOAD, THROTTLED, *QUOTAS, GOVERNOR, CLOCK, TEMPERATURE])
    ticks = [int(word) for word in _first_line(texts, STAT).split()[1:9] if word.isdigit()]
    thermal = sum(_number(text) for path, text in texts.items() if path.endswith("core_throttle_count"))
    kilohertz = _number(texts.get(CLOCK, ""))
    return Conditions(
        load=_load(_first_line(texts, LOAD)),
        steal_ticks=ticks[7] if len(ticks) > 7 else 0,
        total_ticks=sum(ticks),
        num_throttled=thermal + _quota_throttled(texts),
        governor=_first_line(texts, GOVERNOR),
        clock_hz=kilohertz * 1000 if kilohertz else None,
        temperature_c=_hottest(texts),
    )


def _load(line: str) -> float:
    """Return the first of the three averages of /proc/loadavg: proc(5)."""
    word = line.partition(" ")[0]
    return float(word) if word.replace(".", "", 1).isdigit() else 0.0


def _hottest(texts: Mapping[str, str]) -> float | None:
    """Return the largest temperature; Linux gives thousandths of a degree."""
    zones = [_number(text) for path, text in texts.items() if path.endswith("/temp")]
    hottest = max(zones, default=0)
    return hottest / 1000 if hottest else None


def _quota_throttled(texts: Mapping[str, str]) -> int:
    for path in QUOTAS:
        if path in texts:
            lines = texts[path].splitlines()
            return sum(_number(line.partition(" ")[2]) for line in lines if line.startswith("nr_throttled "))
    return 0


def _first_line(texts: Mapping[str, str], path: str) -> str:
    return texts.get(path, "").partition("\n")[0].strip()


def _number(text: str) -> int:
    word = text.strip()
    return int(word) if word.isdigit() else 0
