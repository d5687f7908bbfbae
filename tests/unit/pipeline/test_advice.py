"""What a run that trains nothing is advised to try."""

from __future__ import annotations

from edgetool.pipeline.advice import SUGGESTED_RECIPE, training_advice
from edgetool.recipes.recipe import find_recipe
from edgetool.records import Advice


def advise(*names: str, num_train: int = 6000, seconds_per_sample: float = 0.01) -> Advice | None:
    recipes = [find_recipe(name) for name in names]
    return training_advice(recipes, num_train=num_train, seconds_per_sample=seconds_per_sample, epochs_scale=1.0)


def test_a_run_without_training_names_a_recipe_and_its_price() -> None:
    assert advise("float32", "w8a8_static") == Advice(SUGGESTED_RECIPE, num_samples=6000, minutes=12)


def test_the_price_grows_with_the_data_and_is_a_minute_at_least() -> None:
    small = advise("float32", num_train=10)
    assert small is not None and small.minutes == 1


def test_a_run_that_trains_or_cannot_needs_no_advice() -> None:
    assert advise("float32", "prune80_w8a8_static") is None
    assert advise("float32", num_train=0) is None
