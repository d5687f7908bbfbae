"""Which artefacts were chosen, why others were not, and on which samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Advice", "Decision", "Purpose", "Refusal", "Rule", "ValidationSplit"]

#: What an artefact is chosen for.
Purpose = Literal["recommended", "smallest", "fastest"]

#: What rules an artefact out. The target: `runtime`, `flash`, `ram`; its answers: `failure`, `parity`, `invariant`,
#: `drop`.
Rule = Literal["failure", "runtime", "flash", "ram", "parity", "invariant", "drop"]


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
class Refusal:
    """One reason why an artefact cannot be chosen.

    Attributes:
        artifact: its name.
        rule: what it breaks.
        reason: a sentence with the numbers.
        found: what it needs or loses: bytes, or points or percent of the metric; None where the rule has no number.
        limit: what is allowed, in the same unit.
    """

    artifact: str
    rule: Rule
    reason: str
    found: float | None = None
    limit: float | None = None

    @property
    def is_budget(self) -> bool:
        """Whether the target rules it out, whatever it answers."""
        return self.rule in ("runtime", "flash", "ram")


@dataclass(frozen=True, slots=True)
class Advice:
    """A recipe that the run did not have and that would be worth trying.

    Attributes:
        recipe: its name.
        num_samples: that it would be trained on.
        minutes: that this takes on the machine of the run, estimated from the source model's forward pass.
    """

    recipe: str
    num_samples: int
    minutes: int


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
