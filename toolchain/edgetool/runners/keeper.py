"""Run one program and end it, with all that it started, when whoever asked for it has gone.

`edgetool.runners.program` starts this file with a bare interpreter, as the head of a session of its own. It imports
little, because each compiler that is started waits for it.
"""

from __future__ import annotations

import _thread
import os
import select
import signal
import sys

__all__ = ["main"]

#: What shells answer for a program that cannot be started.
CANNOT_START = 126
#: Signals that Python ignores and that a program is to meet as ever.
IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)


def main(lifeline: int, command: list[str]) -> int:
    """Run `command` and return its exit status; a signal that ended it ends this process as well.

    Args:
        lifeline: a file descriptor to read from, whose other end closes when nobody waits any more.
        command: the program and its arguments.
    """
    os.set_inheritable(lifeline, False)
    _thread.start_new_thread(_watch, (lifeline,))
    try:
        program = os.posix_spawnp(command[0], command, os.environ, setsigdef=IGNORED_BY_PYTHON)
    except OSError as exc:
        sys.stderr.write(f"{command[0]}: {exc.strerror}\n")
        return CANNOT_START
    status = os.waitstatus_to_exitcode(os.waitpid(program, 0)[1])
    if status < 0:
        _end_by(-status)
    return status


def _end_by(number: int) -> None:
    if number != signal.SIGKILL:
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _watch(lifeline: int) -> None:
    poll = select.poll()
    poll.register(lifeline, 0)  # a hang-up is reported unasked
    poll.poll()
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
