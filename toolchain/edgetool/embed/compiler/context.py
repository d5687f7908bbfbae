"""What a pass of the compiler may ask for besides the model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["IO", "PACK", "Context"]

#: Where inputs and outputs lie: in the model's arena, or in buffers that the application passes to every run.
IO = ("arena", "caller")

#: When weights are packed: where they would not fit the target's flash otherwise, in any case, never.
PACK = ("auto", "always", "never")


@dataclass(frozen=True, slots=True)
class Context:
    """The file, and what the C is written for.

    Attributes:
        path: the `.tflite` file, whose operators LiteRT computes tables of; None for a graph in memory.
        digest: SHA-256 of the model that the C names as its source.
        io: where inputs and outputs lie, one of `IO`.
        isa: the target's instruction set; every other word than a backend's stands for portable C.
        flash_bytes: the target's flash; None where there is no limit.
        pack: when weights are packed, one of `PACK`.
    """

    path: Path | None = None
    digest: str = ""
    io: str = "arena"
    isa: str = ""
    flash_bytes: int | None = None
    pack: str = "never"
