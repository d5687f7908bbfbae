"""A row of a report: one artefact with the figures that need a second record."""

from __future__ import annotations

from dataclasses import dataclass

from edgetool.records import ArtifactRecord, LatencyRecord
from edgetool.report.notes import artifact_notes

__all__ = ["Drop", "Row", "Setting", "setting_of"]

#: Device, threads, batch: artefacts are compared within one setting.
Setting = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class Drop:
    """How much worse an artefact is than the source model; see `edgetool.tasks.drop_points`.

    Attributes:
        value: positive: worse; in points, or in percent for metrics of errors.
        standard_error: of `value`, from the paired samples; None where the pairs do not give it.
        unit: `points` or `%`.
    """

    value: float
    standard_error: float | None
    unit: str


@dataclass(frozen=True, slots=True)
class Row:
    """One artefact with the figures that need a second record.

    Attributes:
        record: as the manifest has it.
        size_ratio: its bytes over those of the float32 artefact of the same format; None without one.
        reference: the name of that artefact.
        drop: on the test split; None without labels or without a metric of the source.
        validation_drop: on the validation split, which decisions are made by.
        chosen_as: the purposes that it was chosen for.
        problems: what is wrong with it: failure, parity, invariants.
    """

    record: ArtifactRecord
    size_ratio: float | None
    reference: str | None
    drop: Drop | None
    validation_drop: Drop | None
    chosen_as: tuple[str, ...]
    problems: tuple[str, ...]

    @property
    def name(self) -> str:
        """The artefact's name, unique in the run."""
        return self.record.name

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about the artefact."""
        return artifact_notes(self.record)

    def latency(self, setting: Setting | None) -> LatencyRecord | None:
        """Return the latency in one setting."""
        return next((item for item in self.record.latency if setting_of(item) == setting), None)


def setting_of(record: LatencyRecord) -> Setting:
    """Return the setting that a latency was measured in."""
    return (record.device, record.num_threads, record.batch)
