"""A command that takes a group has the group's options on its command line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer
from typer.testing import CliRunner

from edgetool.cli.groups import flattened
from edgetool.options.declare import argument, option


@dataclass(frozen=True, slots=True)
class Options:
    model: str = argument("A model.")
    files: tuple[str, ...] = option((), "Files.", "--file", "-f")
    learning_rate: float | None = option(None, "A rate.", minimum=0.0)
    pin: bool = option(True, "Pin.", "--pin/--no-pin")


def run(*arguments: str) -> tuple[int, list[object], str]:
    seen: list[object] = []

    def command(options: Options, again: Annotated[bool, typer.Option("--again", help="Once more.")] = False) -> None:
        """Do something."""
        seen.extend([options, again])

    app = typer.Typer()
    app.command()(flattened(command))
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, seen, result.output


def test_defaults() -> None:
    assert run("m") == (0, [Options("m"), False], "")


def test_every_option_reaches_its_group() -> None:
    _, seen, _ = run("m", "-f", "a", "--file", "b", "--learning-rate", "0.5", "--no-pin", "--again")
    assert seen == [Options("m", ("a", "b"), 0.5, pin=False), True]


def test_limits_and_what_must_be_given_are_typers_to_refuse() -> None:
    assert run("m", "--learning-rate", "-1")[0] == 2
    assert run()[0] == 2


def test_help_names_the_options_and_the_command() -> None:
    _, _, text = run("--help")
    for part in ("Do something", "--learning-rate", "--no-pin", "--again", "Once more"):
        assert part in text
