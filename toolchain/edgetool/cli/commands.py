"""The command line's tree: one lazily imported module a command."""

from __future__ import annotations

import importlib
from typing import Any

import typer
from typer.core import TyperGroup

from edgetool.cli.groups import flattened

__all__ = ["COMMANDS", "app"]

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

SETTINGS = {"help_option_names": ["-h", "--help"]}


def _version(value: bool) -> None:
    if value:
        from edgetool.version import __version__

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
        alone.command(cmd_name, context_settings=SETTINGS)(
            flattened(getattr(importlib.import_module(module), function))
        )
        return typer.main.get_command(alone)


def _build() -> typer.Typer:
    built = typer.Typer(
        name="edgetool",
        cls=_LazyGroup,
        rich_markup_mode=None,
        no_args_is_help=True,
        add_completion=True,
        pretty_exceptions_enable=False,
        context_settings=SETTINGS,
    )
    built.callback()(_root)
    return built


app = _build()
