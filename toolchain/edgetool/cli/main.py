"""Entry point, and the only place that catches `EdgetoolError`.

Signals are handled before anything else is imported: what a user stops in the first moments ends as quietly as later.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from pathlib import Path

    from edgetool.errors import EdgetoolError

__all__ = ["run"]

#: Commands that keep what is finished and go on when they are called again.
RESUMABLE = ("compress", "train")

#: Signals that end a command in good order, with the exit code 128 + number, as shells count.
STOPPING = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
#: A second signal is taken for impatience only after the time that tidying up may take.
TIDY_SECONDS = 10.0

#: A disk with less room than this is full.
FULL_BYTES = 1 << 20

#: As a shell says it of a program that died of SIGPIPE.
BROKEN_PIPE = 141


def run() -> NoReturn:
    """Run the command line; every error becomes one clear message and an exit code of its own."""
    stop = _Stop()
    scratch = f"{os.environ.get('TMPDIR', '/tmp')}/edgetool-{os.getpid()}-{os.urandom(4).hex()}"  # noqa: S108
    try:
        _make(scratch)
        status = _finish_output(_call())
    except KeyboardInterrupt:
        status = 128 + signal.SIGINT
    except BrokenPipeError:
        status = BROKEN_PIPE
    except Exception as exc:  # noqa: BLE001 - of the way out itself
        status = _report(exc)
    stop.ignore()
    if stop.received:
        status = 128 + stop.received
        goes_on = sys.argv[1:2] and sys.argv[1] in RESUMABLE
        _say("\ninterrupted" + ("; the same command goes on from what is finished" if goes_on else ""))
    _remove(scratch)
    _silence_broken_pipes()
    sys.exit(status)


class _Stop:
    """Turns signals into `KeyboardInterrupt`, and remembers the first one."""

    def __init__(self) -> None:
        self.received = 0
        self._since = 0.0
        for number in STOPPING:
            if signal.getsignal(number) != signal.SIG_IGN:  # of nohup, or of a job in the background
                signal.signal(number, self._handle)

    def ignore(self) -> None:
        """Let nothing disturb the way out."""
        for number in STOPPING:
            signal.signal(number, signal.SIG_IGN)

    def _handle(self, signum: int, frame: object) -> None:
        if not self.received:
            self.received, self._since = signum, time.monotonic()
            raise KeyboardInterrupt
        if time.monotonic() - self._since > TIDY_SECONDS:
            os._exit(128 + signum)


def _call() -> int:
    """Run the command and return its exit code; what it raises has been told."""
    try:
        _require_text(sys.argv)
        _take_named_shell(sys.argv)
        from edgetool.cli.commands import app

        status = app(prog_name="edgetool", standalone_mode=False)
        return status if isinstance(status, int) else 0
    except SystemExit as exc:
        return _exit_code(exc)
    except BrokenPipeError:
        return BROKEN_PIPE
    except Exception as exc:  # noqa: BLE001 - click's usage errors have no common public base; all others are told
        return _report(exc)


def _take_named_shell(arguments: list[str]) -> None:
    """Let `--show-completion bash` be of bash: typer else asks which shell called, which a script or a job has not."""
    if arguments[1:2] in (["--show-completion"], ["--install-completion"]) and arguments[2:3]:
        os.environ["_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION"] = "1"


def _require_text(arguments: list[str]) -> None:
    """Refuse arguments that are no UTF-8: they could be written into no report."""
    for argument in arguments:
        try:
            argument.encode("utf-8")
        except UnicodeEncodeError:
            from edgetool.errors import UsageError

            raise UsageError(
                ascii(argument), found="bytes that are no UTF-8", expected="text", next_step="rename the file"
            ) from None


def _exit_code(exc: SystemExit) -> int:
    """Return the code of an exit; click and rich say 1 where standard output was closed."""
    cause: BaseException | None = exc
    while cause is not None:
        if isinstance(cause, BrokenPipeError):
            return BROKEN_PIPE
        cause = cause.__context__
    return exc.code if isinstance(exc.code, int) else int(exc.code is not None)


def _finish_output(status: int) -> int:
    """Write what is still to be written, where its failure can be told."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        return BROKEN_PIPE
    except OSError as exc:
        return _report(exc)
    return status


def _report(exc: Exception) -> int:
    """Print an error in three lines, after its traceback with --debug, and return its exit code."""
    show = getattr(exc, "show", None)
    if show is not None:  # a usage error of click
        show()
        return int(getattr(exc, "exit_code", 2))
    error = _as_error(exc)
    if "--debug" in sys.argv:
        import traceback

        _say("".join(traceback.format_exception(exc)))
    for text in (
        f"edgetool: {error.subject}: {error.found}",
        f"  expected: {error.expected}",
        f"  next: {error.next_step}",
    ):
        _say("".join(_harmless(character) for character in text))
    return error.exit_code


def _as_error(exc: Exception) -> EdgetoolError:
    """Return `exc` itself, or what an exception that nobody translated means to a user."""
    from edgetool.errors import EdgetoolError, InternalError, MissingFileError
    from edgetool.store.atomic import disk_error, is_full

    if isinstance(exc, EdgetoolError):
        return exc
    if isinstance(exc, OSError) and exc.filename is not None:
        from pathlib import Path

        place = Path(os.fsdecode(exc.filename))
        if is_full(exc):
            return disk_error(exc, place)
        return MissingFileError(
            str(place)[:300],
            found=exc.strerror or str(exc),
            expected="a file or folder that can be used here",
            next_step="check the path, its length and its permissions",
        )
    if isinstance(exc, OSError) and is_full(exc):
        return disk_error(exc, _place_without_name())
    return InternalError(
        f"edgetool {' '.join(sys.argv[1:2])}".strip(),
        found=f"{type(exc).__name__}: {exc}"[:600] + _line_of(exc),
        expected="no unforeseen error",
        next_step="run again with --debug and report this as a defect of edgetool",
    )


def _place_without_name() -> Path:
    """Return what an error without a file's name is about: temporary files, or else standard output."""
    import shutil
    import tempfile
    from pathlib import Path

    temporary = Path(tempfile.gettempdir())
    is_full = shutil.disk_usage(temporary).free < FULL_BYTES
    return temporary if is_full else Path("standard output")


def _line_of(exc: Exception) -> str:
    """Return the line of code that raised `exc`, in parentheses."""
    trace = exc.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f" ({os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno})" if trace else ""  # noqa: PTH119


def _harmless(character: str) -> str:
    """Return a character of a message; what a file's names hold must not steer the terminal."""
    return character if character.isprintable() or character in "\n\t" else "?"


def _say(text: str) -> None:
    """Print for people; nobody may be there to read it."""
    try:
        print(text, file=sys.stderr, flush=True)  # noqa: T201
    except (OSError, ValueError, AttributeError):
        return


def _make(scratch: str) -> None:
    """Make the folder for temporary files of this command and its children; without room they find their own."""
    try:
        os.mkdir(scratch, 0o700)  # noqa: PTH102 - pathlib is not imported yet
    except OSError:
        return
    os.environ["TMPDIR"] = scratch


def _remove(scratch: str) -> None:
    try:
        os.rmdir(scratch)  # noqa: PTH106
    except FileNotFoundError:
        return
    except OSError:
        import shutil

        shutil.rmtree(scratch, ignore_errors=True)


def _silence_broken_pipes() -> None:
    """Keep the interpreter from telling on its way out that nobody reads any more."""
    for number, stream in ((1, sys.stdout), (2, sys.stderr)):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            _redirect(number)


def _redirect(number: int) -> None:
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, number)
    os.close(null)


def __getattr__(name: str) -> Any:
    """Give the command line itself and its table, which take typer's time to import."""
    if name in ("COMMANDS", "app"):
        from edgetool.cli import commands

        return getattr(commands, name)
    raise AttributeError(name)


if __name__ == "__main__":
    run()
