"""The whole run: what `manifest.json` holds.

Every stage returns frozen records, and `report` reads nothing else. `SCHEMA_VERSION` changes with them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from edgetool.records.artifact import ArtifactRecord
from edgetool.records.decision import Advice, Decision, Refusal, ValidationSplit
from edgetool.records.failure import FailureRecord
from edgetool.records.machine import Machine
from edgetool.records.source import DataRecord, SourceRecord
from edgetool.records.stage import StageRecord
from edgetool.targets import Target

__all__ = ["SCHEMA_VERSION", "Manifest", "failures_of"]

SCHEMA_VERSION = 3


@dataclass(frozen=True, slots=True)
class Manifest:
    """`manifest.json`: the whole run.

    Attributes:
        status: `failed`: it came to its end, and the same command tries again what failed for want of memory or room.
        target: name of the device that artefacts are to fit.
        device: that device with its figures, as they were when the run began.
        data: what it is evaluated on; None before they are prepared.
        decided_on: the validation split; None: no validation labels.
        unavailable: export format -> why the source model cannot become that.
        advice: a recipe that would be worth trying.
        refusals: why artefacts cannot be chosen.
        machine: the machine that made the artefacts.
        machines: those that ran artefacts; measurements name them by `Machine.key`.
        failures: of recipes and exports that left no artefact; an artefact holds its own.
    """

    schema_version: int
    edgetool_version: str
    command: str
    run_key: str
    created: str
    status: Literal["running", "complete", "failed"]
    seed: int
    recipes: tuple[str, ...]
    target: str
    max_drop_points: float
    data: DataRecord | None
    source: SourceRecord | None
    machine: Machine | None
    stages: tuple[StageRecord, ...] = ()
    artifacts: tuple[ArtifactRecord, ...] = ()
    decisions: tuple[Decision, ...] = ()
    device: Target | None = None
    decided_on: ValidationSplit | None = None
    unavailable: dict[str, str] = field(default_factory=dict)
    advice: Advice | None = None
    refusals: tuple[Refusal, ...] = ()
    failures: tuple[FailureRecord, ...] = ()
    machines: tuple[Machine, ...] = ()


def failures_of(manifest: Manifest) -> tuple[FailureRecord, ...]:
    """Return everything that failed, in the order of the recipes."""
    found = [*manifest.failures, *(a.failure for a in manifest.artifacts if a.failure is not None)]
    order = {recipe: index for index, recipe in enumerate(manifest.recipes)}
    return tuple(sorted(found, key=lambda failure: order.get(failure.recipe, len(order))))
