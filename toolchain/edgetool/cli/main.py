"""Entry point: builds the command line, and is the only place that catches `EdgetoolError`."""

from __future__ import annotations

import importlib
import signal
import sys
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from edgetool.errors import EdgetoolError

__all__ = ["COMMANDS", "app", "run"]

#: Command -> module and function. Thin modules: none imports NumPy, TensorFlow, ONNX or rich at module level.
COMMANDS: dict[str, str] = {
    "compress": "edgetool.cli.compress:compress",
    "train": "edgetool.cli.train:train",
    "export": "edgetool.cli.export:export",
    "verify": "edgetool.cli.verify:verify",
    "inspect": "edgetool.cli.inspect:inspect",
    "bench": "edgetool.cli.bench:bench",
    "compare": "edgetool.cli.compare:compare",
    "report": "edgetool.cli.report:report",
    "embed": "edgetool.cli.embed:embed",
    "generate": "edgetool.cli.generate:generate",
    "models": "edgetool.cli.models:models",
    "recipes": "edgetool.cli.recipes:recipes",
    "targets": "edgetool.cli.targets:targets",
    "doctor": "edgetool.cli.doctor:doctor",
}

#: Commands that keep what is finished and go on when they are called again.
RESUMABLE = ("compress", "train")

#: Exit code after Ctrl-C, which typer returns instead of raising.
INTERRUPTED = 130


def _version(value: bool) -> None:
    if value:
        from edgetool import __version__

        typer.echo(f"edgetool {__version__}")
        raise typer.Exit


def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    """Compress trained models, prove the exports agree, measure them, embed them in devices."""


class _LazyGroup(TyperGroup):
    """Imports the module of a command when that command is asked for."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]  # typer's own context
        return list(COMMANDS)

    def get_command(self, ctx: typer.Context, cmd_name: str) -> Any:  # type: ignore[override]
        if cmd_name not in COMMANDS:
            return None
        module, _, function = COMMANDS[cmd_name].partition(":")
        alone = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)
        alone.command(cmd_name)(getattr(importlib.import_module(module), function))
        return typer.main.get_command(alone)


def _build() -> typer.Typer:
    built = typer.Typer(
        name="edgetool",
        cls=_LazyGroup,
        rich_markup_mode=None,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    built.callback()(_root)
    return built


app = _build()


def run() -> NoReturn:
    """Run the command line; every error becomes one clear message and an exit code of its own."""
    debug = "--debug" in sys.argv
    signal.signal(signal.SIGTERM, _terminate)
    try:
        status = app(standalone_mode=False)
    except EdgetoolError as exc:
        if debug:
            raise
        _print_error(exc)
        sys.exit(exc.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        status = INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(141)
    except Exception as exc:  # noqa: BLE001 - click's usage errors have no common public base; others are raised again
        _usage_or_raise(exc)
    if status == INTERRUPTED:
        goes_on = sys.argv[1:2] and sys.argv[1] in RESUMABLE
        typer.echo("\ninterrupted" + ("; the same command goes on from what is finished" if goes_on else ""), err=True)
    sys.exit(status if isinstance(status, int) else 0)


def _print_error(exc: EdgetoolError) -> None:
    for text in (f"edgetool: {exc.subject}: {exc.found}", f"  expected: {exc.expected}", f"  next: {exc.next_step}"):
        typer.echo("".join(_harmless(character) for character in text), err=True)


def _harmless(character: str) -> str:
    """Return a character of a message; what a file's names hold must not steer the terminal."""
    return character if character.isprintable() or character in "\n\t" else "?"


def _usage_or_raise(exc: Exception) -> NoReturn:
    """Print click's usage errors as click does; anything else is a defect and keeps its traceback."""
    show = getattr(exc, "show", None)
    if show is None:
        raise exc
    show()
    sys.exit(getattr(exc, "exit_code", 2))


def _terminate(signum: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    run()
