"""How weights are stored: what a recipe asks for, and what a file has."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal

__all__ = ["FLOAT16", "FLOAT32", "INT8", "Aspect", "Granularity", "KernelFormat", "WeightFormat", "WeightsRecord"]

#: The weights that share one scale; `none`: values are stored as they are.
Granularity = Literal["none", "tensor", "channel"]
#: A field of `WeightFormat` in which a file may differ from what was asked.
Aspect = Literal["bits", "granularity", "symmetric", "palette", "zeros"]


@dataclass(frozen=True, slots=True)
class WeightFormat:
    """How the weights of a kernel are stored.

    Attributes:
        bits: of a stored value.
        is_integer: values are integers that stand for real numbers by a scale and a zero point.
        granularity: which weights share a scale.
        symmetric: the stored value of 0.0 is 0, or the middle of an unsigned type.
        palette: distinct values: as many as there are, or asked for at most; None: any number is asked for.
        zeros: share of weights that are zero, 0..1: as many as there are, or asked for at least.
    """

    bits: int = 32
    is_integer: bool = False
    granularity: Granularity = "none"
    symmetric: bool = True
    palette: int | None = None
    zeros: float = 0.0

    def unmet_by(self, stored: WeightFormat, num_weights: int) -> tuple[Aspect, ...]:
        """Return in which aspects stored weights are not what this format asks for.

        Args:
            stored: as found in a file.
            num_weights: of the kernel. A share of zeros may miss one weight, because counts are rounded.
        """
        if (stored.bits, stored.is_integer) != (self.bits, self.is_integer):
            unmet: list[Aspect] = ["bits"]
        else:
            unmet = self._unmet_scales(stored)
        if self.palette is not None and (stored.palette is None or stored.palette > self.palette):
            unmet.append("palette")
        if stored.zeros < self.zeros - 1.0 / max(num_weights, 1):
            unmet.append("zeros")
        return tuple(unmet)

    def _unmet_scales(self, stored: WeightFormat) -> list[Aspect]:
        unmet: list[Aspect] = []
        if stored.granularity != self.granularity:
            unmet.append("granularity")
        if self.symmetric and not stored.symmetric:
            unmet.append("symmetric")
        return unmet

    def per_tensor(self) -> WeightFormat:
        """Return this format with one scale for a whole tensor."""
        return dataclasses.replace(self, granularity="tensor")

    def describe(self) -> str:
        """Return the format in words."""
        if not self.is_integer:
            return f"float{self.bits}"
        scales = "one scale" if self.granularity == "tensor" else f"a scale a {self.granularity}"
        return f"{self.bits}-bit integers, {scales}" + ("" if self.symmetric else ", asymmetric")


FLOAT32 = WeightFormat()
FLOAT16 = WeightFormat(bits=16)
INT8 = WeightFormat(bits=8, is_integer=True, granularity="channel")


@dataclass(frozen=True, slots=True)
class KernelFormat:
    """How a file stores one kernel.

    Attributes:
        layer: the layer that it belongs to.
        tensor: its name in the file.
        num_weights: how many there are.
        stored: their format.
        unmet: in which aspects it is not what was asked.
    """

    layer: str
    tensor: str
    num_weights: int
    stored: WeightFormat
    unmet: tuple[Aspect, ...] = ()


@dataclass(frozen=True, slots=True)
class WeightsRecord:
    """The weights of an artefact: what its recipe asked for, and what each kernel of the file has.

    Attributes:
        asked: of every kernel; palettes and zeros that a pass asked of single layers count for these in `kernels`.
        kernels: of the file, in execution order.
    """

    asked: WeightFormat
    kernels: tuple[KernelFormat, ...] = ()

    @property
    def share_as_asked(self) -> float:
        """The share of weights, 0..1, whose values have the asked type; 1 where there are none."""
        total = sum(kernel.num_weights for kernel in self.kernels)
        others = sum(kernel.num_weights for kernel in self.kernels if "bits" in kernel.unmet)
        return 1.0 - others / total if total else 1.0
