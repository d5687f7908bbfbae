"""What kept a stage of a run from its result: a fact, never a sentence that is read again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from edgetool.errors import EdgetoolError, from_dict

__all__ = ["FailedStage", "FailureRecord"]

#: Where a recipe or an artefact may fail and the run goes on.
FailedStage = Literal["build", "export", "verify", "evaluate", "bench", "test"]


@dataclass(frozen=True, slots=True)
class FailureRecord:
    """What kept a stage from its result: an error of `edgetool.errors`, field by field.

    Attributes:
        stage: `build` runs the passes, `export` writes a file; the others run that file.
        recipe: its name.
        format: of the artefact; None: the recipe gave none at all.
        kind: name of the error's class.
        transient: memory, room or a process was missing: a resumed run tries the stage again.
    """

    stage: FailedStage
    recipe: str
    format: str | None
    kind: str
    exit_code: int
    subject: str
    found: str
    expected: str
    next_step: str
    transient: bool

    @classmethod
    def of(cls, error: EdgetoolError, *, stage: FailedStage, recipe: str, format: str | None = None) -> FailureRecord:
        """Return the record of an error."""
        return cls(
            stage,
            recipe,
            format,
            kind=type(error).__name__,
            exit_code=error.exit_code,
            subject=error.subject,
            found=error.found,
            expected=error.expected,
            next_step=error.next_step,
            transient=error.transient,
        )

    @property
    def name(self) -> str:
        """What failed: an artefact, or a recipe as a whole."""
        return self.recipe if self.format is None else f"{self.recipe}.{self.format}"

    @property
    def error(self) -> EdgetoolError:
        """The error, to be raised again."""
        return from_dict(
            {
                "kind": self.kind,
                "subject": self.subject,
                "found": self.found,
                "expected": self.expected,
                "next_step": self.next_step,
                "transient": self.transient,
            }
        )

    def __str__(self) -> str:
        return str(self.error)
