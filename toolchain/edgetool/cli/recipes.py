"""`edgetool recipes`: list or show recipes."""

from __future__ import annotations

from typing import Annotated

import typer

from edgetool.cli.console import Console
from edgetool.options.groups import ConsoleOptions


def recipes(
    output: ConsoleOptions,
    name: Annotated[str | None, typer.Argument(help="Show this recipe (a name or a .toml file).")] = None,
) -> None:
    """List the built-in recipes, or show one of them."""
    from edgetool.recipes.recipe import builtin_names, find_recipe

    console = Console.of(output)
    if name is None:
        found = [find_recipe(builtin) for builtin in builtin_names()]
        width = max(len(recipe.name) for recipe in found)
        console.result(found, "\n".join(f"{recipe.name:<{width}}  {recipe.description}" for recipe in found))
        return
    recipe = find_recipe(name)
    lines = [f"{recipe.name}: {recipe.description}", f"source: {recipe.source}"]
    lines += [f"  {i}. {step.name} {step.params or ''}".rstrip() for i, step in enumerate(recipe.passes, 1)]
    lines.append(f"exports: {', '.join(recipe.exports)}")
    console.result(recipe, "\n".join(lines))
