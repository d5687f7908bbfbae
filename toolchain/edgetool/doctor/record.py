"""One finding of `edgetool doctor`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Finding"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one piece.

    Attributes:
        group: `python`, `package`, `program`, `runs` (real work in a child process), `device`, `data`.
        status: `ok`, `missing` (not there), `broken` (there, but it does not do).
        required: edgetool does not work without it.
        found: version, path or what was measured; the error where it is broken.
        purpose: what it is for.
        next_step: what to type; empty where nothing is to be done.
    """

    group: Literal["python", "package", "program", "runs", "device", "data"]
    name: str
    status: Literal["ok", "missing", "broken"]
    required: bool
    found: str
    purpose: str
    next_step: str = ""

    @property
    def is_failure(self) -> bool:
        """Whether edgetool cannot work as it is."""
        return self.required and self.status != "ok"
