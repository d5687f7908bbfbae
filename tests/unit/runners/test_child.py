"""Calls into a child process, and children that misbehave."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from edgetool.errors import (
    DiskFullError,
    InternalError,
    InterpreterCrashError,
    InterpreterTimeoutError,
    MissingFileError,
)
from edgetool.runners.agent import PARENT_VARIABLE
from edgetool.runners.child import Child, call_function

SERVER = """
import errno, os, re, signal, sys, time
from edgetool.runners.serve import serve

def double(value): return 2 * value
def variable(name): return os.environ.get(name)
def crash(): os.abort()
def leave(): print("last words", file=sys.stderr); sys.stderr.flush(); os._exit(3)
def sleep(): time.sleep(60)
def chatter():
    print("not the protocol")
    os.write(1, b"nor this\\n")
    return "quiet"
def count(emit):
    for number in range(3):
        emit({"number": number})
    return "counted"
def broken(): raise ZeroDivisionError("defect")
def signalled(number):
    if number != signal.SIGKILL:
        signal.signal(number, signal.SIG_DFL)  # a job in the background ignores some
    os.kill(os.getpid(), number)
    time.sleep(60)
def exhaust(): raise MemoryError("Unable to allocate 3. TiB")
def tensorflow_exhausts(text): raise type("ResourceExhaustedError", (Exception,), {})(text)
def fill(): raise OSError(errno.ENOSPC, "No space left on device", "/cache/x.npy")
def hold_the_interpreter(): re.match("(a+)+$", "a" * 60 + "b")

serve(globals().__getitem__)
"""


@pytest.fixture
def child(tmp_path: Path) -> Any:
    script = tmp_path / "server.py"
    script.write_text(SERVER)
    with Child([sys.executable, str(script)], subject="model.tflite") as found:
        yield found


def test_results_and_events(child: Child) -> None:
    assert child.call("double", {"value": 21}) == 42
    events: list[dict[str, Any]] = []
    assert child.call("count", on_event=events.append) == "counted"
    assert [event["number"] for event in events] == [0, 1, 2]


@pytest.mark.parametrize("asked", [None, "jax"])
def test_keras_has_the_backend_of_tensorflow_unless_another_is_asked_for(
    asked: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    (tmp_path / "server.py").write_text(SERVER)
    environment = {} if asked is None else {"KERAS_BACKEND": asked}
    with Child([sys.executable, str(tmp_path / "server.py")], subject="model.keras", environment=environment) as found:
        assert found.call("variable", {"name": "KERAS_BACKEND"}) == (asked or "tensorflow")


def test_prints_do_not_break_the_protocol(child: Child) -> None:
    assert child.call("chatter") == "quiet"


def test_a_crash_is_an_error_and_the_next_call_works(child: Child) -> None:
    with pytest.raises(InterpreterCrashError, match="SIGABRT"):
        child.call("crash")
    assert child.call("double", {"value": 1}) == 2
    with pytest.raises(InterpreterCrashError, match="exit status 3; last words: last words"):
        child.call("leave")


def test_a_hang_ends_in_time(child: Child) -> None:
    with pytest.raises(InterpreterTimeoutError, match=r"0\.3 s"):
        child.call("sleep", timeout_s=0.3)
    assert child.call("double", {"value": 2}) == 4


def test_a_defect_comes_back_with_its_place(child: Child) -> None:
    with pytest.raises(InternalError, match="ZeroDivisionError: defect"):
        child.call("broken")


def test_closing_ends_the_process(child: Child) -> None:
    child.call("double", {"value": 1})
    pid = child.pid
    assert pid is not None
    child.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.parametrize(("number", "transient"), [(9, True), (15, True), (1, True), (11, False), (8, False)])
def test_a_child_that_was_killed_may_do_better_another_time(child: Child, number: int, transient: bool) -> None:
    with pytest.raises(InterpreterCrashError, match="killed by SIG") as caught:
        child.call("signalled", {"number": number})
    assert caught.value.transient is transient
    assert ("same command again" in caught.value.next_step) is transient


def test_memory_that_runs_out_is_no_defect_and_ends_the_process(child: Child) -> None:
    child.call("double", {"value": 1})
    first = child.pid
    for call in (("exhaust", {}), ("tensorflow_exhausts", {"text": "OOM when allocating tensor"})):
        with pytest.raises(InterpreterCrashError, match="not enough memory") as caught:
            child.call(*call)
        assert caught.value.transient
    assert child.call("double", {"value": 1}) == 2
    assert child.pid != first


def test_a_full_disk_in_a_child_is_told_as_one(child: Child) -> None:
    with pytest.raises(DiskFullError, match=r"/cache/x\.npy"):
        child.call("fill")
    with pytest.raises(DiskFullError):
        child.call("tensorflow_exhausts", {"text": "model.pb; No space left on device"})


PARENT = """
import sys
from edgetool.runners.child import Child

child = Child([sys.executable, sys.argv[1]], subject="model.tflite")
child.call("double", {"value": 1})
print(child.pid, flush=True)
child.call(sys.argv[2])
"""

#: A system without `prctl`: the pipe alone tells that the parent has gone.
WITHOUT_PRCTL = """
import ctypes
def missing(name): raise OSError("no library")
ctypes.CDLL = missing
"""


@pytest.mark.parametrize(
    ("before", "method"),
    [("", "hold_the_interpreter"), ("", "sleep"), (WITHOUT_PRCTL, "sleep")],
    ids=["in C", "in Python", "without prctl"],
)
def test_a_child_ends_with_a_parent_that_is_killed(tmp_path: Path, before: str, method: str) -> None:
    (tmp_path / "server.py").write_text(before + SERVER)
    (tmp_path / "parent.py").write_text(PARENT)
    parent = subprocess.Popen(
        [sys.executable, str(tmp_path / "parent.py"), str(tmp_path / "server.py"), method],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    time.sleep(0.1)  # until the call is under way; a child that is still idle must end as well
    parent.kill()
    parent.communicate()
    assert wait_until_gone(pid)


def wait_until_gone(pid: int) -> bool:
    """Tell whether the process ends; it would work for a minute and more."""
    for _ in range(200):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.05)
    os.kill(pid, 9)
    return False


def test_a_child_whose_parent_has_gone_already_ends_at_once(tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text(SERVER)
    orphan = subprocess.run(
        [sys.executable, str(tmp_path / "server.py")],
        input='{"id": 1, "method": "double", "params": {"value": 21}}',
        text=True,
        capture_output=True,
        env={**os.environ, PARENT_VARIABLE: "1"},
        start_new_session=True,
    )
    assert orphan.returncode == -9 and not orphan.stdout


def test_functions_of_edgetool_by_name_and_no_others() -> None:
    with pytest.raises(MissingFileError):
        call_function("edgetool.ir.summary:summarize", {"path": "none.tflite"}, subject="none.tflite")
    with pytest.raises(InternalError, match="outside edgetool"):
        call_function("os:system", {"command": "true"}, subject="x")
