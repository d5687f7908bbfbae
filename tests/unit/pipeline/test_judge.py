"""Limits follow from what a recipe stores and whether it trains."""

from __future__ import annotations

import dataclasses

import pytest

from edgetool.pipeline.judge import judgement_of, parity_kind, recipe_trains
from edgetool.recipes.recipe import find_recipe
from edgetool.records import FLOAT16, FLOAT32, INT8, WeightFormat
from edgetool.tasks import Head, Task
from edgetool.verify.parity import FLOAT, HALF, NOISE_INPUTS, QUANTIZED, RETRAINED, Tolerance

CLASSES = Task("classification", "accuracy", "sparse_categorical_crossentropy", from_logits=False)


@pytest.mark.parametrize(
    ("name", "weights", "kind", "trains", "limits"),
    [
        ("float32", FLOAT32, "float", False, FLOAT),
        ("float16", FLOAT16, "quantized", False, HALF),
        ("w8_dynamic", INT8, "quantized", False, QUANTIZED),
        ("w8a8_static", INT8, "quantized", False, QUANTIZED),
        ("w8a8_qat", INT8, "quantized", True, RETRAINED),
    ],
)
def test_recipes_are_judged_by_what_they_do(
    name: str, weights: WeightFormat, kind: str, trains: bool, limits: Tolerance
) -> None:
    recipe = find_recipe(name)
    assert recipe_trains(recipe) == trains
    assert parity_kind(weights, trains=trains) == kind
    assert judgement_of(recipe, weights, task=CLASSES).tolerance == limits


def test_generated_inputs_and_stated_limits() -> None:
    recipe = find_recipe("w8_dynamic")
    assert judgement_of(recipe, INT8, task=None, noise_inputs=True).tolerance == NOISE_INPUTS
    own = Tolerance(max_abs_error=0.5)
    assert judgement_of(recipe, INT8, task=None, tolerance=own).tolerance == own


def test_every_output_is_judged_by_what_it_is_for() -> None:
    scores = Head("sign", 1, "binary", "accuracy", "binary_crossentropy", True, False, False)
    values = Head("ink", 2, "regression", "r2", "mse", False, False, False)
    several = dataclasses.replace(CLASSES, heads=(scores, values))
    judgement = judgement_of(find_recipe("w8a8_static"), INT8, task=several)
    assert (judgement.classes, judgement.head_classes) == (True, (True, False))
    alone = judgement_of(find_recipe("w8a8_static"), INT8, task=None)
    assert (alone.classes, alone.head_classes) == (None, ())
