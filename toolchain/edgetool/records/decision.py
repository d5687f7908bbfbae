"""Which artefacts were chosen, and on which samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Decision", "Purpose", "ValidationSplit"]

#: What an artefact is chosen for.
Purpose = Literal["recommended", "smallest", "fastest"]


@dataclass(frozen=True, slots=True)
class Decision:
    """The artefact chosen for one purpose, and why.

    Attributes:
        purpose: `recommended`, `smallest` or `fastest`.
        artifact: its name; None where none fits.
        reason: one sentence with the numbers.
        runtime: of the target that it runs on; empty where none fits.
    """

    purpose: Purpose
    artifact: str | None
    reason: str
    runtime: str = ""


@dataclass(frozen=True, slots=True)
class ValidationSplit:
    """The samples that decisions are made on.

    Attributes:
        num_samples: how many.
        num_answers: labels that count: as many, or more where there is one a position.
        is_carved: taken from the training data; false: given.
        is_seen: the model may have been trained on them.
    """

    num_samples: int
    num_answers: int
    is_carved: bool
    is_seen: bool
