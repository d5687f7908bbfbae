"""What came in: the model and the data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from edgetool.records.evaluation import EvaluationRecord

__all__ = ["DataRecord", "SourceRecord"]


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


@dataclass(frozen=True, slots=True)
class DataRecord:
    """The data of a run, and what they are used for.

    Attributes:
        name: of the data set.
        source: where it lies or comes from.
        digest: SHA-256 of the samples.
        splits: samples in each split.
        preprocessing: what is done with inputs, in words.
        task: a key of `edgetool.tasks.TASKS`.
        metric: a key of `edgetool.tasks.METRICS`.
        labels: `source`: the data have none, and the source model's own answers stand in for them.
        facts: what the loader and the importer have to say, in words.
    """

    name: str
    source: str
    digest: str
    splits: dict[str, int]
    preprocessing: str
    task: str
    metric: str
    labels: Literal["data", "source"] = "data"
    facts: dict[str, str] = field(default_factory=dict)
