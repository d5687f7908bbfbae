"""A kernel is not wholly zero."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgetool.data.dataset import Array
from edgetool.invariants.base import Cut, Invariant, Measured
from edgetool.records import InvariantKind

__all__ = ["Nonzero"]


@dataclass(frozen=True, slots=True)
class Nonzero(Invariant):
    """Not every weight is zero, and all are finite.

    Attributes:
        layer: the Keras layer's name.
        kernel_shape: in Keras layout, to find the kernel in an exported file.
    """

    kind: ClassVar[InvariantKind] = "nonzero"
    title: ClassVar[str] = "non-zero values, at least"
    layer: str
    kernel_shape: tuple[int, ...]

    @property
    def expected(self) -> float:
        """The weights that must not be zero."""
        return 1.0

    def measure(self, kernel: Array) -> Measured:
        """Count weights that are not zero; -1 where one is NaN or infinity."""
        if kernel.dtype.kind == "f" and not np.isfinite(kernel).all():
            return Measured(-1.0, holds=False)
        count = int(np.count_nonzero(kernel))
        return Measured(float(count), count > 0)

    def describe(self) -> str:
        """Return what must hold, in words."""
        return "finite values that are not all zero"

    def describe_found(self, found: float) -> str:
        """Return what breaks it, in words."""
        return "only zeros" if found == 0.0 else "NaN or infinity"

    def project(self, kernel: Array) -> Array:
        """Return the kernel as it is: no weight can be made up."""
        return kernel.copy()

    def follow(self, cut: Cut) -> Nonzero:
        """Stay: it must hold of every kernel, and is measured again."""
        return dataclasses.replace(self, kernel_shape=cut.kernel_shape)
