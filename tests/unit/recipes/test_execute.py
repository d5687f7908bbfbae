"""Passes run in the order of the recipe, and a bad parameter is found before the first of them starts."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from edgetool.data.dataset import Dataset
from edgetool.errors import RecipeError
from edgetool.passes.base import Context, ModelState, TrainingSettings
from edgetool.recipes.execute import execute
from edgetool.recipes.recipe import find_recipe, parse_recipe

CONTEXT = Context(Dataset("d", None, None, None), TrainingSettings(), 0, Path(), lambda what, done, total: None)


@dataclasses.dataclass
class Model:
    inputs: tuple[Any, ...] = ()
    outputs: tuple[Any, ...] = ()
    layers: tuple[Any, ...] = ()


def test_no_pass_leaves_the_model_as_it_is() -> None:
    state = ModelState(Model())
    result = execute(find_recipe("float32"), state, CONTEXT)
    assert result.state is state and result.passes == ()


def test_what_each_pass_did_is_recorded() -> None:
    result = execute(find_recipe("float16"), ModelState(Model()), CONTEXT)
    assert result.state.quantization.mode == "float16"
    (record,) = result.passes
    assert (record.name, record.modified, record.facts["mode"]) == ("quantize_float16", True, "float16")
    assert record.seconds >= 0.0


def test_a_bad_parameter_names_the_recipe_and_stops_it_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []
    monkeypatch.setattr("edgetool.passes.quantize.QuantizeFloat16.run", lambda *_: ran.append("float16"))
    passes = [{"name": "quantize_float16"}, {"name": "quantize_static", "params": {"activation": "int8"}}]
    recipe = parse_recipe({"description": "x", "passes": passes}, name="mine", source="mine.toml")
    with pytest.raises(RecipeError) as caught:
        execute(recipe, ModelState(Model()), CONTEXT)
    assert caught.value.subject.startswith("mine.toml: ") and "activation" in str(caught.value)
    assert ran == []
