"""The metric of one output of a model with several, as manifests hold it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["HeadRecord"]


@dataclass(frozen=True, slots=True)
class HeadRecord:
    """The metric of an output behind the first one.

    Attributes:
        name: of the output.
        metric: a key of `edgetool.tasks.METRICS`.
        value: in the metric's own unit.
        standard_error: of `value`.
        labels: `data`, or `source` where the source model's own answers stand in for labels that are missing.
        drop: against the source model on the same samples, see `edgetool.tasks.drop_points`; None for the source.
    """

    name: str
    metric: str
    value: float
    standard_error: float
    labels: Literal["data", "source"]
    drop: float | None = None
