"""What a pass ensures of one kernel, and what every later stage must keep."""

from __future__ import annotations

import abc
from dataclasses import dataclass
from typing import ClassVar

from edgetool.data.dataset import Array
from edgetool.records import InvariantKind, InvariantRecord, WeightFormat

__all__ = ["Cut", "Invariant", "Measured"]


@dataclass(frozen=True, slots=True)
class Measured:
    """What a kernel has of an invariant.

    Attributes:
        found: the figure, in the unit of the invariant's `expected`.
        holds: whether that is as it must be.
    """

    found: float
    holds: bool


@dataclass(frozen=True, slots=True)
class Cut:
    """A change of a kernel's shape: the inputs and outputs that stay, in their order.

    Attributes:
        inputs: indices along the last axis but one; None: all.
        outputs: indices along the last axis; None: all.
        kernel_shape: afterwards.
    """

    inputs: tuple[int, ...] | None
    outputs: tuple[int, ...] | None
    kernel_shape: tuple[int, ...]


class Invariant(abc.ABC):
    """Something that a pass ensured of one layer's kernel. Subclasses are frozen dataclasses."""

    __slots__ = ()

    kind: ClassVar[InvariantKind]
    #: What the figure is, for tables.
    title: ClassVar[str]
    layer: str
    kernel_shape: tuple[int, ...]

    @property
    @abc.abstractmethod
    def expected(self) -> float:
        """The figure that must be reached or kept to."""

    @property
    def group_size(self) -> int | None:
        """The weights of a group, where the figure is one of groups."""
        return None

    @abc.abstractmethod
    def measure(self, kernel: Array) -> Measured:
        """Measure the invariant in a kernel `[..., in, out]`, in which a zero weight is 0."""

    @abc.abstractmethod
    def describe(self) -> str:
        """Return what must hold, in words."""

    @abc.abstractmethod
    def describe_found(self, found: float) -> str:
        """Return a measured figure in words."""

    def show(self, figure: float) -> str:
        """Return a figure for tables."""
        return f"{figure:,.0f}"

    def show_expected(self) -> str:
        """Return the figure that must be reached or kept to, for tables."""
        return self.show(self.expected)

    @abc.abstractmethod
    def project(self, kernel: Array) -> Array:
        """Return the nearest kernel for which it holds; the argument is left as it is."""

    @abc.abstractmethod
    def follow(self, cut: Cut) -> Invariant | None:
        """Return what is known to hold of the kernel after a cut; None where nothing is."""

    def ask_of(self, weights: WeightFormat) -> WeightFormat:
        """Return a format of weights with what the invariant asks of it."""
        return weights

    def record(self, measured: Measured | None, tensor: str = "") -> InvariantRecord:
        """Return the record of a measurement in a file; None: the file has no such kernel."""
        found = Measured(-1.0, holds=False) if measured is None else measured
        return InvariantRecord(
            layer=self.layer,
            kind=self.kind,
            expected=self.expected,
            found=found.found,
            passed=found.holds,
            tensor=tensor,
            group_size=self.group_size,
        )
