"""The machine that measured."""

from __future__ import annotations

from dataclasses import dataclass

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
