"""Recipes: built-in ones, user files, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgetool.errors import MissingFileError, RecipeError
from edgetool.recipes.recipe import STANDARD_RECIPES, builtin_names, find_recipe, parse_recipe, resolve_recipes

TWELVE = [
    "float32",
    "float16",
    "w8_dynamic",
    "w8a8_static",
    "w8a16_static",
    "prune80_w8a8_static",
    "cluster32_w8a8_static",
    "w8a8_qat",
    "prune80_w8a8_qat",
    "cluster32_w8a8_qat",
    "prune80_cluster32_w8a8_qat",
    "prune_2_4_w8a8_static",
]


def test_the_twelve_recipes_are_built_in() -> None:
    assert sorted(TWELVE) == builtin_names()


@pytest.mark.parametrize("name", TWELVE)
def test_a_builtin_recipe_ends_in_both_formats(name: str) -> None:
    recipe = find_recipe(name)
    assert recipe.name == name
    assert recipe.exports == ("tflite", "onnx")
    assert recipe.description.endswith(".")


def test_a_user_recipe_is_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('description = "x"\nexports = ["onnx"]\n[[passes]]\nname = "prune"\nparams = {sparsity = 0.5}\n')
    recipe = find_recipe(str(path))
    assert (recipe.name, recipe.exports) == ("mine", ("onnx",))
    assert recipe.passes[0].params == {"sparsity": 0.5}


@pytest.mark.parametrize(
    ("fields", "found", "next_step"),
    [
        ({"description": "x", "exprots": ["onnx"]}, "'exprots'", "did you mean 'exports'?"),
        ({"description": "x", "passes": [{"name": "prun"}]}, "'prun'", "did you mean 'prune'?"),
        ({"description": "x", "exports": []}, "no exports", "add exports"),
        ({"description": "x", "exports": ["tfllite"]}, "$.exports[0]", "correct"),
        ({"description": "x", "name": "y"}, "'name'", "name the file"),
        ({}, "description", "correct"),
    ],
)
def test_a_bad_recipe_is_refused(fields: dict[str, object], found: str, next_step: str) -> None:
    with pytest.raises(RecipeError) as caught:
        parse_recipe(fields, name="bad", source="bad.toml")
    assert found in caught.value.found
    assert next_step in caught.value.next_step


def test_resolve_recipes() -> None:
    assert [recipe.name for recipe in resolve_recipes(None)] == list(STANDARD_RECIPES)
    assert [recipe.name for recipe in resolve_recipes(" float16, float32,")] == ["float16", "float32"]
    with pytest.raises(RecipeError, match="given twice"):
        resolve_recipes("float16,float16")
    with pytest.raises(RecipeError, match="empty list"):
        resolve_recipes(",")
    with pytest.raises(RecipeError, match="did you mean 'w8a8_static'"):
        resolve_recipes("w8a8_statik")
    with pytest.raises(MissingFileError):
        resolve_recipes("./none.toml")


def test_a_misspelt_parameter_of_a_file_is_refused_before_anything_runs(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        'description = "d"\n[[passes]]\nname = "quantize_static"\nparams = { integer_onl = true }\n', encoding="utf-8"
    )
    with pytest.raises(RecipeError, match="integer_onl") as caught:
        find_recipe(str(path))
    assert "integer_only" in caught.value.next_step
