"""The machine that measured."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from edgetool.schema import to_builtins

__all__ = ["Machine"]


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine that measured."""

    system: str
    cpu: str
    num_cpus: int
    isa: tuple[str, ...]
    memory_bytes: int
    gpu: str
    python: str
    versions: dict[str, str]

    @property
    def key(self) -> str:
        """The name of this machine in measurements: the first 16 digits of a digest of all fields."""
        text = json.dumps(to_builtins(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]
