"""What a pass ensured, as it was found again in a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["InvariantKind", "InvariantRecord"]

#: A class of `edgetool.invariants` each.
InvariantKind = Literal["sparsity", "num_clusters", "n_of_m", "nonzero"]


@dataclass(frozen=True, slots=True)
class InvariantRecord:
    """One property that a pass ensured, checked again in the exported file.

    Attributes:
        layer: the layer's name.
        kind: of the property.
        expected: its figure: a share of zeros, a number of values, or weights of a group that may stay.
        found: that figure in the file; -1 where the file has no such kernel.
        passed: whether the property holds.
        tensor: the kernel's name in the file.
        group_size: the weights of a group, where the figure is one of groups.
    """

    layer: str
    kind: InvariantKind
    expected: float
    found: float
    passed: bool
    tensor: str = ""
    group_size: int | None = None
