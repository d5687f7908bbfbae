"""A kernel has a few distinct values."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgetool.data.dataset import Array
from edgetool.invariants.base import Cut, Invariant, Measured
from edgetool.records import InvariantKind, WeightFormat

__all__ = ["NumClusters", "num_unique"]


def num_unique(kernel: Array) -> int:
    """Return the number of distinct values."""
    return int(np.unique(kernel).size)


@dataclass(frozen=True, slots=True)
class NumClusters(Invariant):
    """There are at most `num_clusters` distinct values.

    Attributes:
        layer: the Keras layer's name.
        num_clusters: zero included.
        kernel_shape: in Keras layout, to find the kernel in an exported file.
    """

    kind: ClassVar[InvariantKind] = "num_clusters"
    title: ClassVar[str] = "unique values, at most"
    layer: str
    num_clusters: int
    kernel_shape: tuple[int, ...]

    @property
    def expected(self) -> float:
        """The number of values."""
        return float(self.num_clusters)

    def measure(self, kernel: Array) -> Measured:
        """Count distinct values."""
        count = num_unique(kernel)
        return Measured(float(count), count <= self.num_clusters)

    def describe(self) -> str:
        """Return the number in words."""
        return f"at most {self.num_clusters} unique values"

    def describe_found(self, found: float) -> str:
        """Return a measured number in words."""
        return f"{found:.0f} unique values"

    def project(self, kernel: Array) -> Array:
        """Return the kernel with each weight at the nearest of the values that most weights have."""
        values, counts = np.unique(kernel, return_counts=True)
        if values.size <= self.num_clusters:
            return kernel.copy()
        commonest = np.argsort(-counts, kind="stable")[: self.num_clusters]
        palette = np.sort(values[commonest])
        middles = (palette[1:] + palette[:-1]) / 2
        return np.asarray(palette[np.searchsorted(middles, kernel)])

    def follow(self, cut: Cut) -> NumClusters:
        """Stay: fewer weights have no more values."""
        return dataclasses.replace(self, kernel_shape=cut.kernel_shape)

    def ask_of(self, weights: WeightFormat) -> WeightFormat:
        """Ask for a palette."""
        return dataclasses.replace(weights, palette=self.num_clusters)
