"""The model that came in."""

from __future__ import annotations

from dataclasses import dataclass

from edgetool.records.evaluation import EvaluationRecord

__all__ = ["SourceRecord"]


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """The model that came in, and how it did on the test split in its own framework."""

    path: str
    format: str
    digest: str
    num_bytes: int
    num_params: int
    validation: EvaluationRecord | None = None
    evaluation: EvaluationRecord | None = None
