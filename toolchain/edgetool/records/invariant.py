"""What a pass ensured, as it was found again in a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["InvariantRecord"]


@dataclass(frozen=True, slots=True)
class InvariantRecord:
    """One property that a pass ensured, checked again in the exported file."""

    layer: str
    kind: Literal["sparsity", "num_clusters", "n_of_m", "nonzero"]
    expected: float
    found: float
    passed: bool
    tensor: str = ""
