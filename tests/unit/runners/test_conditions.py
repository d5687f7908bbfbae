"""What a machine says about itself, from the texts of its files."""

from __future__ import annotations

import pytest

from edgetool.runners.conditions import Conditions, read_conditions

CPUS = "/sys/devices/system/cpu"
TEXTS = {
    "/proc/stat": "cpu  10 1 5 80 4 0 0 7 2 0\ncpu0 10 1 5 80 4 0 0 7 2 0\n",
    "/proc/loadavg": "1.25 0.80 0.40 2/345 6789\n",
    f"{CPUS}/cpu0/thermal_throttle/core_throttle_count": "3\n",
    f"{CPUS}/cpu1/thermal_throttle/core_throttle_count": "4\n",
    "/sys/fs/cgroup/cpu.stat": "usage_usec 1\nnr_periods 5\nnr_throttled 2\n",
    f"{CPUS}/cpu0/cpufreq/scaling_governor": "powersave\n",
    f"{CPUS}/cpu0/cpufreq/scaling_cur_freq": "1500000\n",
    "/sys/class/thermal/thermal_zone0/temp": "48500\n",
    "/sys/class/thermal/thermal_zone1/temp": "61000\n",
}


def test_every_figure_is_read_from_the_files_of_the_machine() -> None:
    found = read_conditions(lambda patterns: TEXTS)
    assert found == Conditions(1.25, 7, 107, 9, "powersave", 1_500_000_000, 61.0)


def test_a_machine_that_says_nothing_claims_nothing() -> None:
    assert read_conditions(lambda patterns: {}) == Conditions()


@pytest.mark.parametrize("text", ["", "much\n", "-1 2\n"])
def test_a_load_that_is_no_number_is_none(text: str) -> None:
    assert read_conditions(lambda patterns: {"/proc/loadavg": text}).load == 0.0


def test_the_ticks_of_this_machine_grow() -> None:
    before, after = read_conditions(), read_conditions()
    assert after.total_ticks >= before.total_ticks > 0
    assert after.load >= 0
