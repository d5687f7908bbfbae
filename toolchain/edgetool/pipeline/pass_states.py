"""Models between passes: what one trial leaves that a later one begins with, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgetool.passes.base import ModelState
from edgetool.pipeline.setup import Setup
from edgetool.recipes.recipe import PassStep, Recipe
from edgetool.records import PassRecord

__all__ = ["PassState", "PassStates"]


@dataclass(frozen=True, slots=True)
class PassState:
    """The state after some passes, and what each of them did."""

    setup: Setup
    steps: tuple[PassStep, ...]
    state: ModelState
    records: tuple[PassRecord, ...]


class PassStates:
    """The states that trials to come may begin with."""

    def __init__(self) -> None:
        self._kept: list[PassState] = []

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, setup: Setup, steps: tuple[PassStep, ...]) -> PassState | None:
        """Return the state after the passes `steps`; None where it is not kept."""
        for kept in self._kept:
            if kept.setup == setup and kept.steps == steps:
                return kept
        return None

    def add(self, state: PassState) -> None:
        """Keep a state."""
        self._kept.append(state)

    def keep_for(self, setup: Setup, later: Sequence[Recipe]) -> None:
        """Let every state go that no recipe of `later` begins with."""
        self._kept = [kept for kept in self._kept if kept.setup == setup and _is_needed(kept, later)]


def _is_needed(kept: PassState, later: Sequence[Recipe]) -> bool:
    return any(recipe.passes[: len(kept.steps)] == kept.steps for recipe in later)
