"""How the files of a recipe are judged against their source: by what the recipe stores and whether it trains."""

from __future__ import annotations

from edgetool.passes import load_pass
from edgetool.recipes.recipe import Recipe
from edgetool.records import FLOAT32, WeightFormat
from edgetool.tasks import Task
from edgetool.verify.gate import Judgement
from edgetool.verify.parity import ParityKind, Tolerance, tolerance_for

__all__ = ["judgement_of", "parity_kind", "recipe_trains"]


def judgement_of(
    recipe: Recipe,
    weights: WeightFormat,
    *,
    task: Task | None,
    noise_inputs: bool = False,
    tolerance: Tolerance | None = None,
) -> Judgement:
    """Return how a recipe's files are compared with the source model.

    Args:
        recipe: whether it trains.
        weights: what is asked of them.
        task: says which outputs are scores of classes; None: the outputs tell.
        noise_inputs: samples are generated.
        tolerance: limits in place of the stated ones.
    """
    trains = recipe_trains(recipe)
    kind = parity_kind(weights, trains=trains)
    limits = tolerance or tolerance_for(kind, weights=weights, retrained=trains, noise_inputs=noise_inputs)
    if task is None:
        return Judgement(kind, limits, None)
    return Judgement(kind, limits, task.has_classes, task.head_classes)


def recipe_trains(recipe: Recipe) -> bool:
    """Tell whether a pass of the recipe changes what the model answers by training on."""
    return any("train_data" in load_pass(step.name).requires for step in recipe.passes)


def parity_kind(weights: WeightFormat, *, trains: bool) -> ParityKind:
    """Return the kind of comparison with the source that files ask for, by their weights and whether these changed."""
    is_full = not weights.is_integer and weights.bits == FLOAT32.bits
    return "float" if is_full and not trains else "quantized"
