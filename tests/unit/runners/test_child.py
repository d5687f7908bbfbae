"""Calls into a child process, and children that misbehave."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from edgetool.errors import InternalError, InterpreterCrashError, InterpreterTimeoutError, MissingFileError
from edgetool.runners.child import Child, call_function

SERVER = """
import os, sys, time
from edgetool.runners.serve import serve

def double(value): return 2 * value
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


def test_functions_of_edgetool_by_name_and_no_others() -> None:
    with pytest.raises(MissingFileError):
        call_function("edgetool.ir.summary:summarize", {"path": "none.tflite"}, subject="none.tflite")
    with pytest.raises(InternalError, match="outside edgetool"):
        call_function("os:system", {"command": "true"}, subject="x")
