"""The stages of a run, and what passes did in them."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["PassRecord", "SkippedLayer", "StageRecord"]


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
    """One finished stage of a run: its key (inputs and parameters, hashed), so that a resumed run can skip it."""

    name: str
    key: str
    seconds: float
    finished: str
    passes: tuple[PassRecord, ...] = ()
    skipped_layers: tuple[SkippedLayer, ...] = ()
