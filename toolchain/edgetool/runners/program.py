"""Run other programs (compilers, emulators, compiled models) so that none of them outlives this process."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from edgetool.runners import keeper

__all__ = ["run_program", "run_text"]


def run_program(
    command: Sequence[str], *, given: bytes | None = None, timeout_s: float
) -> subprocess.CompletedProcess[bytes]:
    """Run a program to its end and return its status and what it wrote.

    It ends, with whatever it has started, also where this process is killed, as a compiler would not: a keeper
    (`runners/keeper.py`) holds one end of a pipe whose other end closes with this process. `PR_SET_PDEATHSIG` would
    reach the compiler's driver alone, and end it with the thread that started it.

    Args:
        command: the program, by name or path, and its arguments.
        given: bytes for its standard input; none: nothing to read.
        timeout_s: it is killed after so many seconds.

    Raises:
        FileNotFoundError: there is no such program.
        subprocess.TimeoutExpired: it took longer.
    """
    if shutil.which(command[0]) is None:
        raise FileNotFoundError(command[0])
    lifeline, held = os.pipe()
    try:
        process = _start(lifeline, command, subprocess.PIPE if given is not None else subprocess.DEVNULL)
    except BaseException:
        os.close(held)
        raise
    finally:
        os.close(lifeline)
    try:
        stdout, stderr = process.communicate(given, timeout=timeout_s)
    finally:
        os.close(held)
        _end(process)
    return subprocess.CompletedProcess(list(command), process.returncode, stdout, stderr)


def run_text(command: Sequence[str], *, timeout_s: float) -> subprocess.CompletedProcess[str]:
    """Run a program that reads nothing; as `run_program`, with what it wrote as text."""
    done = run_program(command, timeout_s=timeout_s)
    stdout, stderr = (written.decode(errors="replace") for written in (done.stdout, done.stderr))
    return subprocess.CompletedProcess(done.args, done.returncode, stdout, stderr)


def _start(lifeline: int, command: Sequence[str], stdin: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-I", "-S", str(Path(keeper.__file__)), str(lifeline), *command],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=(lifeline,),
        start_new_session=True,
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill a program that still runs, with its session, and close its pipes."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            stream.close()
    process.wait()
