"""The stages of a run, and what passes did in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["PassRecord", "SkippedLayer", "Stage", "StageRecord"]

#: `build`, `verify`, `evaluate` and `fit` are of one recipe; the others are of the whole run.
Stage = Literal["prepare", "build", "verify", "evaluate", "bench", "fit", "test"]


@dataclass(frozen=True, slots=True)
class SkippedLayer:
    """A layer that a step left alone, and why."""

    layer: str
    step: str
    reason: str


@dataclass(frozen=True, slots=True)
class PassRecord:
    """What one pass did."""

    name: str
    modified: bool
    seconds: float
    facts: dict[str, float | int | str | bool]


@dataclass(frozen=True, slots=True)
class StageRecord:
    """One finished stage of a run, so that a resumed run can skip it.

    Attributes:
        stage: its kind.
        key: a hash of its inputs and parameters.
        seconds: wall time.
        finished: date and time of day, ISO 8601.
        recipe: the recipe that it belongs to; None: the whole run.
        passes: what each pass of the recipe did.
        skipped_layers: layers that passes left alone.
    """

    stage: Stage
    key: str
    seconds: float
    finished: str
    recipe: str | None = None
    passes: tuple[PassRecord, ...] = ()
    skipped_layers: tuple[SkippedLayer, ...] = ()

    @property
    def name(self) -> str:
        """The stage in words, unique in a run."""
        return self.stage if self.recipe is None else f"{self.stage} {self.recipe}"
