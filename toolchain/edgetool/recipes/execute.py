"""Run the passes of a recipe, one after the other; each one's base class checks what earlier ones ensured."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from edgetool.errors import RecipeError
from edgetool.passes import load_pass
from edgetool.passes.base import Context, ModelState
from edgetool.passes.frozen import FrozenModel
from edgetool.passes.split_separable import split_separable
from edgetool.recipes.recipe import Recipe
from edgetool.records import PassRecord

__all__ = ["ExecutionResult", "execute"]


@dataclass(frozen=True, slots=True)
class ExecutionResult:
    """The state after the last pass, and what each pass did."""

    state: ModelState
    passes: tuple[PassRecord, ...]


def execute(recipe: Recipe, state: ModelState, context: Context) -> ExecutionResult:
    """Run every pass of `recipe` on `state`; separable convolutions become two layers first.

    Raises:
        RecipeError: a parameter of a pass is unknown or out of range.
        EdgetoolError: whatever a pass raises.
    """
    passes = []
    for step in recipe.passes:
        try:
            passes.append(load_pass(step.name)(step.params))
        except RecipeError as exc:
            raise RecipeError(
                f"{recipe.source or recipe.name}: {exc.subject}",
                found=exc.found,
                expected=exc.expected,
                next_step=exc.next_step,
            ) from None
    if passes and not isinstance(state.model, FrozenModel):
        state = dataclasses.replace(state, model=split_separable(state.model))
    records: list[PassRecord] = []
    for work in passes:
        result = work.run(state, context)
        records.append(PassRecord(work.name, result.modified, round(result.seconds, 3), result.facts))
        state = result.state
    return ExecutionResult(state, tuple(records))
