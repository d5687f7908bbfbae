"""The keeper by itself: statuses, signals, and an end with the pipe."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from edgetool.runners import keeper

WITH_PIPE = "import os, sys; print(os.getpid(), os.getpgid(0), flush=True); sys.stdin.read()"


def keep(*command: str, lifeline: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-I", "-S", str(Path(keeper.__file__)), str(lifeline), *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        pass_fds=(lifeline,),
        start_new_session=True,
    )


@pytest.mark.parametrize(
    ("command", "status"),
    [("exit 0", 0), ("exit 3", 3), ("kill -SEGV $$", -11), ("kill -KILL $$", -9), ("kill -PIPE $$", -13)],
)
def test_it_ends_as_its_program_does(command: str, status: int) -> None:
    lifeline, held = os.pipe()
    with keep("sh", "-c", command, lifeline=lifeline) as process:
        assert process.wait() == status
    os.close(lifeline)
    os.close(held)


def test_a_program_that_cannot_be_started_is_named(tmp_path: Path) -> None:
    lifeline, held = os.pipe()
    with keep(str(tmp_path), lifeline=lifeline) as process:
        _, said = process.communicate()
    os.close(lifeline)
    os.close(held)
    assert process.returncode == keeper.CANNOT_START and str(tmp_path) in said


def test_the_program_ends_with_the_pipe() -> None:
    lifeline, held = os.pipe()
    with keep(sys.executable, "-c", WITH_PIPE, lifeline=lifeline) as process:
        assert process.stdout is not None
        pid, group = process.stdout.readline().split()
        assert int(group) == process.pid != int(pid)
        os.close(lifeline)
        os.close(held)
        assert process.wait() == -9
        assert not process.stdout.read(), "nobody else holds the program's output any more"
