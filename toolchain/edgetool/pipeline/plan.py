"""What a run would do, told before any framework is loaded: `compress --dry-run`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgetool.data.load import is_function
from edgetool.importers import IMPORTERS, Source, source_kind
from edgetool.passes import load_pass
from edgetool.pipeline.compress import CompressRequest, with_reference
from edgetool.recipes.recipe import Recipe

__all__ = ["PlannedRecipe", "plan_recipes"]


@dataclass(frozen=True, slots=True)
class PlannedRecipe:
    """One recipe of a run.

    Attributes:
        steps: names of its passes.
        exports: formats that will be made.
        refusal: why it cannot be done with this model, and what to give instead; empty: it can, as far as is known.
    """

    name: str
    steps: tuple[str, ...]
    exports: tuple[str, ...]
    refusal: str = ""


def plan_recipes(request: CompressRequest) -> tuple[PlannedRecipe, ...]:
    """Return every recipe of a run, the float32 reference first."""
    model = request.setup.model
    # A zoo name: trained first, which --dry-run does not do.
    source = IMPORTERS[source_kind(model)] if Path(model).exists() or is_function(model) else IMPORTERS["keras"]
    return tuple(_plan(recipe, source) for recipe in with_reference(request.recipes))


def _plan(recipe: Recipe, source: Source) -> PlannedRecipe:
    steps = tuple(step.name for step in recipe.passes)
    exports = tuple(name for name in recipe.exports if name in source.exports)
    needing = [name for name in steps if "layers" in load_pass(name).requires]
    refusal = ""
    if source.has_layers is False and needing:
        refusal = f"{source.title} has no layers for {', '.join(needing)}: {source.instead}"
    elif not exports:
        refusal = f"{source.title} cannot become {', '.join(recipe.exports)}: {source.instead}"
    return PlannedRecipe(recipe.name, steps, exports, refusal)
