"""Start a child process and call functions in it over JSON lines.

A bad model file may crash an interpreter; the parent must live to say so. One request is one line
`{"id", "method", "params"}`; the child answers with any number of `{"id", "event": {...}}` lines and then with
`{"id", "result": ...}` or `{"id", "error": {...}}` (the fields of `EdgetoolError.to_dict`).
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, TypedDict

from edgetool.errors import EdgetoolError, InternalError, InterpreterCrashError, InterpreterTimeoutError, from_dict
from edgetool.runners.agent import PARENT_VARIABLE
from edgetool.store.atomic import disk_error

if TYPE_CHECKING:

    class Event(TypedDict, total=False):
        """What a function reports while it runs: so many steps of something, or an epoch of training."""

        what: str
        done: int
        total: int
        epoch: dict[str, Any]


__all__ = ["Child", "call_function"]

#: Quiet, deterministic start of every framework that a child may import.
CHILD_ENVIRONMENT = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_USE_LEGACY_KERAS": "1",
    "TF_ENABLE_ONEDNN_OPTS": "1",  # training takes a third of the time
    "PYTHONUNBUFFERED": "1",
    "GLOG_minloglevel": "3",
}

#: Without `-P`, `-m` puts the current folder in front of the path: a file there could stand in for any module.
SERVE = ("-P", "-m", "edgetool.runners.serve")


#: Signals that somebody sends to a process; others are what its own code did.
SENT_SIGNALS = frozenset(
    {signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGKILL, signal.SIGTERM, signal.SIGXCPU, signal.SIGPWR}
)


class Child:
    """A child process that serves calls until closed. Use as a context manager.

    It ends when this process does, however that ends, and also in the middle of a call (`agent.Lifeline`).

    Args:
        argv: the program; default: `python -P -m edgetool.runners.serve`, which calls functions of edgetool by name.
        subject: what errors are about when the child dies (usually the model file).
        environment: added to the parent's environment and `CHILD_ENVIRONMENT`.
    """

    def __init__(
        self, argv: Sequence[str] | None = None, *, subject: str, environment: Mapping[str, str] | None = None
    ) -> None:
        self._argv = list(argv) if argv is not None else [sys.executable, *SERVE]
        self._subject = subject
        self._environment = {**CHILD_ENVIRONMENT, **os.environ, **(environment or {})}
        self._environment["TF_USE_LEGACY_KERAS"] = "1"
        # Layers of Keras 3 that tf_keras does not have are traced by TensorFlow, whatever the user's own backend is.
        self._environment["KERAS_BACKEND"] = (environment or {}).get("KERAS_BACKEND", "tensorflow")
        self._environment["PYTHONSAFEPATH"] = "1"  # for what the child starts itself
        self._process: subprocess.Popen[str] | None = None
        self._stderr: IO[bytes] | None = None
        self._next_id = 0

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """Process id, or None while no child is running."""
        return None if self._process is None else self._process.pid

    def call(
        self,
        method: str,
        params: Mapping[str, object] | None = None,
        *,
        timeout_s: float | None = None,
        on_event: Callable[[Event], None] | None = None,
    ) -> Any:
        """Call `method` in the child and return its JSON result. The child is started if it is not running.

        Raises:
            EdgetoolError: whatever the child raised, as the same kind.
            InterpreterCrashError: the child died; the next call starts a fresh one.
            InterpreterTimeoutError: no answer within `timeout_s`; the child is killed.
        """
        process = self._start()
        assert process.stdin is not None and process.stdout is not None
        self._next_id += 1
        timed_out = threading.Event()
        timer = None
        if timeout_s is not None:
            timer = threading.Timer(timeout_s, _expire, (timed_out, process))
            timer.daemon = True
            timer.start()
        try:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(
                    json.dumps({"id": self._next_id, "method": method, "params": dict(params or {})}) + "\n"
                )
                process.stdin.flush()
            return self._await_result(process, on_event)
        except EOFError:
            raise self._death(process, timed_out=timed_out.is_set(), timeout_s=timeout_s) from None
        except BaseException as exc:
            if isinstance(exc, KeyboardInterrupt):
                self.kill()
            raise
        finally:
            if timer is not None:
                timer.cancel()

    def close(self) -> None:
        """End the child: its input is closed, and it is killed if it does not go within two seconds."""
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(OSError):
            if process.stdin is not None:
                process.stdin.close()
        try:
            process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            _kill_group(process)
        if process.stdout is not None:
            process.stdout.close()
        if self._stderr is not None:
            self._stderr.close()
            self._stderr = None

    def kill(self) -> None:
        """Kill the child at once."""
        if self._process is not None:
            _kill_group(self._process)
            self.close()

    def _start(self) -> subprocess.Popen[str]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self.close()
        try:
            self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed in close()
        except OSError as exc:
            raise disk_error(exc, Path(os.environ.get("TMPDIR", "/tmp"))) from None  # noqa: S108 - its name only
        self._process = subprocess.Popen(
            self._argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            text=True,
            env={**self._environment, PARENT_VARIABLE: str(os.getpid())},
            start_new_session=True,
        )
        return self._process

    def _await_result(self, process: subprocess.Popen[str], on_event: Callable[[Event], None] | None) -> Any:
        assert process.stdout is not None
        for line in process.stdout:
            try:
                message = json.loads(line)
            except json.JSONDecodeError:
                continue  # something a library printed in spite of the redirection
            if not isinstance(message, dict) or message.get("id") != self._next_id:
                continue
            if "event" in message:
                if on_event is not None:
                    on_event(message["event"])
            elif "error" in message:
                if message.get("ends"):
                    self.kill()
                raise from_dict(message["error"])
            else:
                return message.get("result")
        raise EOFError

    def _death(self, process: subprocess.Popen[str], *, timed_out: bool, timeout_s: float | None) -> EdgetoolError:
        returncode = process.wait()
        tail = self._stderr_tail()
        self.close()
        if timed_out:
            return InterpreterTimeoutError(
                self._subject,
                found=f"no answer within {timeout_s:g} s",
                expected="an answer in time",
                next_step="the model may be damaged or far too large for this machine",
            )
        words = f"; last words: {tail}" if tail else ""
        if -returncode in SENT_SIGNALS:
            why = " (out of memory, most likely)" if -returncode == signal.SIGKILL else ""
            return InterpreterCrashError(
                self._subject,
                found=f"the process that worked on it was killed by {signal.Signals(-returncode).name}{why}{words}",
                expected="a process that lives until it has answered",
                next_step="see that enough memory is free, then run the same command again",
                transient=True,
            )
        return InterpreterCrashError(
            self._subject,
            found=f"the process that ran it died: {_exit_in_words(returncode)}{words}",
            expected="a model that the interpreter can run",
            next_step="export the model again; the file may be damaged",
        )

    def _stderr_tail(self) -> str:
        if self._stderr is None:
            return ""
        self._stderr.seek(0)
        lines = self._stderr.read().decode(errors="replace").strip().splitlines()
        return " | ".join(line.strip() for line in lines[-2:])[-300:]


def call_function(function: str, params: Mapping[str, object], *, subject: str, timeout_s: float | None = None) -> Any:
    """Call `package.module:function` with keyword `params` in a fresh child and return its JSON result.

    Args:
        function: its parameters and its result must be plain JSON.
        params: keyword arguments.
        subject: what errors are about.
        timeout_s: give up after so many seconds.

    Raises:
        EdgetoolError: as `Child.call`.
    """
    if function.partition(":")[0].split(".")[0] != "edgetool":
        raise InternalError(
            function, found="a function outside edgetool", expected="edgetool.*", next_step="report this as a defect"
        )
    with Child(subject=subject) as child:
        return child.call(function, params, timeout_s=timeout_s)


def _exit_in_words(returncode: int) -> str:
    if returncode >= 0:
        return f"exit status {returncode}"
    try:
        return f"killed by {signal.Signals(-returncode).name}"
    except ValueError:
        return f"killed by signal {-returncode}"


def _expire(timed_out: threading.Event, process: subprocess.Popen[str]) -> None:
    timed_out.set()
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _kill_group(process: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=5)
