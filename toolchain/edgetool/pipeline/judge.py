"""How the files of a recipe are judged against their source: by what the recipe stores and whether it trains."""

from __future__ import annotations

from edgetool.passes import load_pass
from edgetool.recipes.recipe import Recipe
from edgetool.tasks import Task
from edgetool.verify.gate import Judgement
from edgetool.verify.parity import ParityKind, Tolerance, Weights, tolerance_for

__all__ = ["judgement_of", "parity_kind", "recipe_trains", "recipe_weights"]


def judgement_of(
    recipe: Recipe, *, task: Task | None, noise_inputs: bool = False, tolerance: Tolerance | None = None
) -> Judgement:
    """Return how a recipe's files are compared with the source model.

    Args:
        recipe: decides the kind and the limits.
        task: says which outputs are scores of classes; None: the outputs tell.
        noise_inputs: samples are generated.
        tolerance: limits in place of the stated ones.
    """
    kind = parity_kind(recipe)
    limits = tolerance or tolerance_for(
        kind, weights=recipe_weights(recipe), retrained=recipe_trains(recipe), noise_inputs=noise_inputs
    )
    if task is None:
        return Judgement(kind, limits, None)
    return Judgement(kind, limits, task.has_classes, task.head_classes)


def recipe_weights(recipe: Recipe) -> Weights:
    """Return what the recipe's files store weights as."""
    for step in recipe.passes:
        if step.name == "quantize_float16":
            return "float16"
        if step.name == "qat" or step.name.startswith("quantize"):
            return "int8"
    return "float32"


def recipe_trains(recipe: Recipe) -> bool:
    """Tell whether a pass of the recipe changes what the model answers by training on."""
    return any("train_data" in load_pass(step.name).requires for step in recipe.passes)


def parity_kind(recipe: Recipe) -> ParityKind:
    """Return the kind of comparison with the source that the recipe's files ask for."""
    return "float" if recipe_weights(recipe) == "float32" and not recipe_trains(recipe) else "quantized"
