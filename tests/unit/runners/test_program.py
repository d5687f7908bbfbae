"""Programs that are run for edgetool: what they answer, and that they end with whoever asked for them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from edgetool.runners.program import run_program, run_text

WAITER = """
import os, signal, sys
from edgetool.runners.program import run_program

for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):  # a job in the background ignores some
    signal.signal(number, signal.SIG_DFL)
run_program(["sh", "-c", sys.argv[1]], timeout_s=100)
"""


def test_what_a_program_reads_writes_and_answers() -> None:
    done = run_program(["sh", "-c", "cat; echo said >&2; exit 3"], given=b"\x00\xff", timeout_s=20)
    assert (done.stdout, done.stderr, done.returncode) == (b"\x00\xff", b"said\n", 3)
    assert run_text(["sh", "-c", r"cat; printf '\377'"], timeout_s=20).stdout == "\N{REPLACEMENT CHARACTER}"


def test_a_program_that_is_not_there() -> None:
    with pytest.raises(FileNotFoundError, match="no-such-program"):
        run_program(["no-such-program"], timeout_s=20)


def test_a_program_that_takes_too_long_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        run_text(["sh", "-c", _driver(tmp_path)], timeout_s=1)
    assert _gone(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_nothing_survives_a_parent_that_is_killed(tmp_path: Path, number: signal.Signals) -> None:
    started = tmp_path / "started"
    os.mkfifo(started)
    parent = subprocess.Popen(
        [sys.executable, "-c", WAITER, _driver(tmp_path, tell=f"echo yes > {started}")], stderr=subprocess.PIPE
    )
    started.read_text()
    both_ran = _become(tmp_path, 2)  # one may be between its fork and its new program
    parent.send_signal(number)
    parent.communicate()
    assert both_ran and _gone(tmp_path)


def _driver(folder: Path, *, tell: str = "true") -> str:
    """Return a line that starts a program that starts another, as a compiler's driver does, and waits for it.

    Their environment names this test's folder.
    """
    return f"TEST_FOLDER={folder} sh -c 'sleep 100 & {tell}; wait'; true"


def _survivors(folder: Path) -> list[str]:
    """Return the processes that were started with the folder in their environment."""
    mark = f"TEST_FOLDER={folder}\0".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "environ").read_bytes():
                found.append(process.name)
        except OSError:
            continue
    return found


def _gone(folder: Path) -> bool:
    """Tell whether all of them end; they would work for a minute and more."""
    return _become(folder, 0)


def _become(folder: Path, count: int) -> bool:
    """Tell whether so many of them run within some seconds."""
    for _ in range(400):
        if len(_survivors(folder)) == count:
            return True
        signal.sigtimedwait([], 0.05)
    return False
