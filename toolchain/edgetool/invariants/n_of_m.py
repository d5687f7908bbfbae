"""A kernel has few weights that are not zero in each group of neighbours."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgetool.data.dataset import Array
from edgetool.invariants.base import Cut, Invariant, Measured
from edgetool.records import InvariantKind

__all__ = ["NOfM"]


@dataclass(frozen=True, slots=True)
class NOfM(Invariant):
    """At most `n` of each `m` neighbours along the input axis (the last but one) are not zero.

    Attributes:
        layer: the Keras layer's name.
        n: weights of a group that may stay.
        m: weights of a group.
        kernel_shape: in Keras layout, to find the kernel in an exported file.
    """

    kind: ClassVar[InvariantKind] = "n_of_m"
    title: ClassVar[str] = "non-zeros in a group, at most"
    layer: str
    n: int
    m: int
    kernel_shape: tuple[int, ...]

    @property
    def expected(self) -> float:
        """The weights of a group that may stay."""
        return float(self.n)

    @property
    def group_size(self) -> int:
        """The weights of a group."""
        return self.m

    def measure(self, kernel: Array) -> Measured:
        """Find the group with the most weights that are not zero."""
        groups = self._groups(kernel)
        worst = int(np.count_nonzero(groups, axis=1).max(initial=0))
        return Measured(float(worst), worst <= self.n)

    def describe(self) -> str:
        """Return the pattern in words."""
        return f"at most {self.n} non-zero values in each {self.m}"

    def describe_found(self, found: float) -> str:
        """Return a measured number in words."""
        return f"{found:.0f} non-zero values in one group"

    def show_expected(self) -> str:
        """Return the pattern for tables."""
        return f"{self.n} of {self.m}"

    def project(self, kernel: Array) -> Array:
        """Return the kernel with the smallest weights of each group set to zero."""
        by_input = np.moveaxis(kernel, -2, -1).copy()
        usable = by_input.shape[-1] // self.m * self.m
        groups = by_input[..., :usable].reshape(-1, self.m)
        smallest = np.argsort(np.abs(groups), axis=1, kind="stable")[:, : self.m - self.n]
        np.put_along_axis(groups, smallest, 0, axis=1)
        by_input[..., :usable] = groups.reshape(by_input[..., :usable].shape)
        return np.moveaxis(by_input, -1, -2)

    def follow(self, cut: Cut) -> NOfM | None:
        """Stay where groups stay whole: any outputs may go, inputs in whole groups."""
        if cut.inputs is not None and not self._keeps_groups(cut.inputs):
            return None
        return dataclasses.replace(self, kernel_shape=cut.kernel_shape)

    def _keeps_groups(self, inputs: tuple[int, ...]) -> bool:
        kept = np.asarray(inputs)
        if kept.size % self.m:
            return False
        groups = kept.reshape(-1, self.m)
        begins = groups[:, :1]
        return bool((begins % self.m == 0).all() and (groups == begins + np.arange(self.m)).all())

    def _groups(self, kernel: Array) -> Array:
        by_input = np.moveaxis(kernel, -2, -1).reshape(-1, kernel.shape[-2])
        usable = by_input.shape[1] // self.m * self.m
        return by_input[:, :usable].reshape(-1, self.m)
