"""What the README says of the command line is true."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest
import typer

from edgetool import errors
from edgetool.cli.main import COMMANDS, app
from edgetool.recipes.recipe import builtin_names, find_recipe
from edgetool.zoo import find_model, parse_card

README = (Path(__file__).parents[2] / "README.md").read_text()
LINES = [line.strip() for line in README.splitlines() if line.startswith("    edgetool ")]


@pytest.mark.parametrize("line", LINES)
def test_commands_and_options_exist(line: str) -> None:
    _, command, *words = shlex.split(line, comments=True)
    group = typer.main.get_command(app)
    found = group.get_command(None, command)  # type: ignore[attr-defined]
    assert found is not None, command
    options = {option for parameter in found.params for option in parameter.opts}
    given = [word for word in words if word.startswith("-")]
    assert set(given) <= options, f"{command}: {set(given) - options}"


def test_every_command_is_in_the_table() -> None:
    for command in COMMANDS:
        assert f"`edgetool {command}`" in README or f"`{command}`" in README, command


def test_every_recipe_is_in_the_table() -> None:
    table = set(re.findall(r"^\| `([a-z0-9_]+)` \|", README, re.MULTILINE))
    assert table == set(builtin_names())


def test_every_exit_code_is_in_the_table() -> None:
    kinds = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.EdgetoolError)
    ]
    codes = {kind.exit_code for kind in kinds} - {errors.EdgetoolError.exit_code}
    table = {int(code) for code in re.findall(r"^\| (\d+) \|", README, re.MULTILINE)}
    assert table == codes


def example(name: str) -> str:
    """Return the TOML block of the README whose first line is a comment that names the file."""
    match = re.search(rf"```toml\n# {re.escape(name)}\n(.*?)```", README, re.DOTALL)
    assert match is not None, name
    return match.group(1)


def test_the_card_of_the_example_parses() -> None:
    card = parse_card(tomllib.loads(example("model.toml")), package="example", source="README.md")
    real = find_model(card.name)
    assert (card.task, card.metric, card.preprocessing, card.training) == (
        real.task,
        real.metric,
        real.preprocessing,
        real.training,
    )


def test_the_recipe_of_the_example_parses(tmp_path: Path) -> None:
    path = tmp_path / "half.toml"
    path.write_text(example("half.toml"))
    recipe = find_recipe(str(path))
    assert [step.name for step in recipe.passes] == ["prune", "quantize_static"]
