"""What the entry point makes of exceptions, signals and arguments."""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Iterator

import pytest

from edgetool.cli import commands, main
from edgetool.errors import ParityError


@pytest.fixture
def stop() -> Iterator[main._Stop]:
    before = {number: signal.signal(number, signal.SIG_DFL) for number in main.STOPPING}  # jobs and nohup ignore some
    yield main._Stop()
    for number, handler in before.items():
        signal.signal(number, handler)


def raised(exc: BaseException) -> object:
    def call(**options: object) -> int:
        raise exc

    return call


@pytest.mark.parametrize(
    ("exc", "code", "said"),
    [
        (ParityError("a.onnx", found="other bytes", expected="the same", next_step="export again"), 41, "a.onnx"),
        (ZeroDivisionError("division by zero"), 70, "ZeroDivisionError: division by zero (test_main.py:"),
        (RecursionError("too deep"), 70, "RecursionError"),
        (MemoryError(), 70, "MemoryError"),
        (OSError(errno.ENAMETOOLONG, "File name too long", "n" * 300), 10, "File name too long"),
        (OSError(errno.EACCES, "Permission denied", "data.npz"), 10, "data.npz: Permission denied"),
        (OSError(errno.EIO, "Input/output error", "data.npz"), 10, "Input/output error"),
        (OSError(errno.ENOSPC, "No space left on device", "run/x"), 32, "run/x: no space left"),
        (OSError(errno.ENOSPC, "No space left on device"), 32, "no space left"),
        (BrokenPipeError(), 141, ""),
        (SystemExit(3), 3, ""),
    ],
)
def test_whatever_is_raised_becomes_one_message_and_a_code(
    exc: BaseException, code: int, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(commands, "app", raised(exc))
    monkeypatch.setattr(sys, "argv", ["edgetool", "inspect"])
    assert main._call() == code
    stderr = capsys.readouterr().err
    assert said in stderr and "Traceback" not in stderr
    assert stderr.count("\n") == (3 if said else 0)


def test_a_traceback_is_shown_on_request_and_changes_no_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(commands, "app", raised(ZeroDivisionError("x")))
    monkeypatch.setattr(sys, "argv", ["edgetool", "inspect", "--debug"])
    assert main._call() == 70
    assert "Traceback" in capsys.readouterr().err


def test_an_exit_that_hides_a_broken_pipe_is_seen_through(monkeypatch: pytest.MonkeyPatch) -> None:
    def call(**options: object) -> int:
        try:
            raise BrokenPipeError
        except BrokenPipeError:
            sys.exit(1)

    monkeypatch.setattr(commands, "app", call)
    assert main._call() == 141


def test_arguments_that_are_no_text_are_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["edgetool", "inspect", os.fsdecode(b"\xff.onnx")])
    assert main._call() == 2
    assert "no UTF-8" in capsys.readouterr().err


@pytest.mark.parametrize("number", main.STOPPING)
def test_the_first_signal_stops_and_those_that_follow_disturb_no_tidying_up(
    stop: main._Stop, number: signal.Signals
) -> None:
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(number)
    signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(signal.SIGINT)
    assert stop.received == number


def test_an_ignored_signal_stays_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    before = {number: signal.getsignal(number) for number in main.STOPPING}
    try:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
        stop = main._Stop()
        signal.raise_signal(signal.SIGHUP)
        assert stop.received == 0
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
