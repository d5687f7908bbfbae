"""Parse, validate and find recipes.

A recipe is TOML:

    description = "One line for `edgetool recipes`."
    exports = ["tflite", "onnx"]

    [[passes]]
    name = "prune"
    params = { sparsity = 0.8, epochs = 2 }
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from edgetool.errors import MissingFileError, RecipeError, nearest
from edgetool.passes import PASSES, load_pass
from edgetool.schema import load_toml, parse

__all__ = [
    "REFERENCE_RECIPE",
    "STANDARD_RECIPES",
    "PassStep",
    "Recipe",
    "builtin_names",
    "find_recipe",
    "parse_recipe",
    "resolve_recipes",
]

#: The recipe whose artefacts the others are compared with.
REFERENCE_RECIPE = "float32"
#: What `compress` runs without `--recipe`: no training needed, from safest to smallest.
STANDARD_RECIPES = ("float32", "float16", "w8_dynamic", "w8a8_static", "w8a16_static")


@dataclass(frozen=True, slots=True)
class PassStep:
    """One pass of a recipe with its parameters; the pass itself checks them."""

    name: str
    params: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Recipe:
    """An ordered list of passes, then the formats to export.

    Attributes:
        name: the file's stem; not written in the file.
        description: one line.
        passes: may be empty (float32).
        exports: in the order they are made.
        source: the file it was read from.
    """

    description: str
    passes: tuple[PassStep, ...] = ()
    exports: tuple[Literal["tflite", "onnx"], ...] = ("tflite", "onnx")
    name: str = ""
    source: str = ""


def builtin_names() -> list[str]:
    """Return the names of the built-in recipes, sorted."""
    folder = files("edgetool.recipes").joinpath("builtin")
    return sorted(item.name.removesuffix(".toml") for item in folder.iterdir() if item.name.endswith(".toml"))


def find_recipe(name: str) -> Recipe:
    """Return the built-in recipe of that name, or the one in the TOML file of that path.

    Raises:
        RecipeError: unknown name, unknown key, pass or parameter, empty exports.
        MissingFileError: a path that is not there.
    """
    if name.endswith(".toml") or "/" in name:
        path = Path(name)
        if not path.is_file():
            raise MissingFileError(name, found="no such file", expected="a recipe file", next_step="check the path")
        recipe = parse_recipe(load_toml(path, error=RecipeError), name=path.stem, source=name)
        for step in recipe.passes:
            load_pass(step.name)(step.params)  # refuses unknown parameters and values of another type
        return recipe
    if name not in builtin_names():
        raise RecipeError(
            f"recipe {name!r}",
            found="no built-in recipe of that name",
            expected="a built-in name or a .toml file",
            next_step=f"{nearest(name, builtin_names())} (edgetool recipes lists all)",
        )
    path = Path(str(files("edgetool.recipes").joinpath("builtin", f"{name}.toml")))
    return parse_recipe(load_toml(path, error=RecipeError), name=name, source=f"{name} (built in)")


def parse_recipe(fields: Mapping[str, object], *, name: str, source: str) -> Recipe:
    """Build a recipe from parsed TOML and check every name in it; parameters are the passes' to check.

    Raises:
        RecipeError: see `find_recipe`.
    """
    for reserved in ("name", "source"):
        if reserved in fields:
            raise RecipeError(
                source, found=f"key {reserved!r}", expected="no such key", next_step="name the file instead"
            )
    recipe = parse(Recipe, {**fields, "name": name, "source": source}, source=source, error=RecipeError)
    for step in recipe.passes:
        if step.name not in PASSES:
            raise RecipeError(
                source,
                found=f"unknown pass {step.name!r}",
                expected="a known pass",
                next_step=nearest(step.name, list(PASSES)),
            )
    if not recipe.exports:
        raise RecipeError(
            source, found="no exports", expected="at least one format", next_step='add exports = ["tflite"]'
        )
    return recipe


def resolve_recipes(names: str | None) -> tuple[Recipe, ...]:
    """Return the recipes of a comma-separated list; None: the standard set.

    Raises:
        RecipeError: a name is unknown or given twice.
    """
    wanted = list(STANDARD_RECIPES) if names is None else [part.strip() for part in names.split(",") if part.strip()]
    recipes = tuple(find_recipe(name) for name in wanted)
    seen = [recipe.name for recipe in recipes]
    for name in seen:
        if seen.count(name) > 1:
            raise RecipeError(
                f"recipe {name!r}", found="given twice", expected="each once", next_step="remove one of them"
            )
    if not recipes:
        raise RecipeError("--recipe", found="an empty list", expected="at least one name", next_step="edgetool recipes")
    return recipes
