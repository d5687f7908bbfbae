"""A share of a kernel's weights is zero."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgetool.data.dataset import Array
from edgetool.invariants.base import Cut, Invariant, Measured
from edgetool.records import InvariantKind, WeightFormat

__all__ = ["Sparsity", "sparsity"]


def sparsity(kernel: Array) -> float:
    """Return the share of elements that are exactly zero, 0..1."""
    return float(np.mean(kernel == 0)) if kernel.size else 0.0


@dataclass(frozen=True, slots=True)
class Sparsity(Invariant):
    """At least `share` of the weights are zero.

    Attributes:
        layer: the Keras layer's name.
        share: of the weights, 0..1.
        kernel_shape: in Keras layout, to find the kernel in an exported file.
    """

    kind: ClassVar[InvariantKind] = "sparsity"
    title: ClassVar[str] = "share of zeros, at least"
    layer: str
    share: float
    kernel_shape: tuple[int, ...]

    @property
    def expected(self) -> float:
        """The share."""
        return self.share

    def measure(self, kernel: Array) -> Measured:
        """Count zeros. TF-MOT rounds the number of kept weights: one of them may be too many."""
        found = sparsity(kernel)
        return Measured(found, found >= self.share - 1.0 / max(kernel.size, 1))

    def describe(self) -> str:
        """Return the share in words."""
        return f"at least {self.share:.1%} zeros"

    def describe_found(self, found: float) -> str:
        """Return a measured share in words."""
        return f"{found:.1%} zeros"

    def show(self, figure: float) -> str:
        """Return a share for tables."""
        return f"{figure * 100:.1f} %"

    def project(self, kernel: Array) -> Array:
        """Return the kernel with its smallest weights set to zero, as many as are missing."""
        num_zeros = math.ceil(self.share * kernel.size)
        flat = kernel.ravel().copy()
        smallest = np.argsort(np.abs(flat), kind="stable")[:num_zeros]
        flat[smallest] = 0
        return flat.reshape(kernel.shape)

    def follow(self, cut: Cut) -> None:
        """End: the weights that stay may have fewer zeros than those that went."""

    def ask_of(self, weights: WeightFormat) -> WeightFormat:
        """Ask for the share of zeros."""
        return dataclasses.replace(weights, zeros=max(weights.zeros, self.share))
