"""What a run in which nothing was trained might try next, with an estimate of what that takes."""

from __future__ import annotations

from collections.abc import Sequence

from edgetool.pipeline.judge import recipe_trains
from edgetool.recipes.recipe import Recipe, find_recipe
from edgetool.records import Advice

__all__ = ["SUGGESTED_RECIPE", "training_advice"]

#: The recipe that trains with the least change to a model.
SUGGESTED_RECIPE = "w8a8_qat"
#: A sample in a training step takes about so many forward passes: forward, backward, and rounding of the weights.
PASSES_PER_SAMPLE = 6.0
#: What a recipe that trains takes besides, in seconds: copies of the model, calibration, two exports.
FIXED_SECONDS = 30.0


def training_advice(
    recipes: Sequence[Recipe], *, num_train: int, seconds_per_sample: float, epochs_scale: float
) -> Advice | None:
    """Return the recipe that would be worth trying; None where one of `recipes` trains.

    Args:
        recipes: of the run.
        num_train: training samples; 0: nothing can be trained.
        seconds_per_sample: of the source model's forward pass, measured in this run.
        epochs_scale: factor on the recipe's epochs.
    """
    if num_train == 0 or any(recipe_trains(recipe) for recipe in recipes):
        return None
    suggested = find_recipe(SUGGESTED_RECIPE)
    epochs = sum(float(step.params.get("epochs", 0.0)) for step in suggested.passes) * epochs_scale
    seconds = FIXED_SECONDS + PASSES_PER_SAMPLE * epochs * num_train * seconds_per_sample
    return Advice(SUGGESTED_RECIPE, num_train, max(1, round(seconds / 60.0)))
