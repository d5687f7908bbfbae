"""What a backend is: one family of kernels, what it computes, and how it takes the place of portable ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from edgetool.data.dataset import Array
from edgetool.embed.program import Fields, Step

__all__ = ["Backend", "ChannelLimit", "LayerLimit"]


@dataclass(frozen=True, slots=True)
class LayerLimit:
    """What keeps a whole layer from fast kernels.

    Attributes:
        kernels: portable kernels of the layers.
        reason: completes the sentence `the layer is portable C because ...`.
        applies: whether a layer has it.
    """

    kernels: tuple[str, ...]
    reason: str
    applies: Callable[[Fields], bool]


@dataclass(frozen=True, slots=True)
class ChannelLimit:
    """What keeps single channels from a kernel; they are split from their layer.

    Attributes:
        kernels: portable kernels of the layers.
        reason: completes the sentence `channels are apart because they ...`.
        applies: tells for each channel, bool `[C]`, from the layer's fields and its weights `[C, taps, in_c]`.
    """

    kernels: tuple[str, ...]
    reason: str
    applies: Callable[[Fields, Array], Array]


class Backend(Protocol):
    """One family of kernels."""

    @property
    def name(self) -> str:
        """Return the name of the family: `portable`, `dsp`, `mve` or `simd`."""
        ...

    @property
    def isas(self) -> tuple[str, ...]:
        """Return the instruction sets, as targets call them, that it has kernels for."""
        ...

    @property
    def kernels(self) -> tuple[str, ...]:
        """Return the portable kernels that it has a faster one for."""
        ...

    @property
    def layer_limits(self) -> tuple[LayerLimit, ...]:
        """Return what keeps a whole layer from its kernels."""
        ...

    @property
    def channel_limits(self) -> tuple[ChannelLimit, ...]:
        """Return what keeps single channels from its kernels."""
        ...

    def replace(self, step: Step) -> Step:
        """Return the step with the family's kernel, weights laid out for it.

        Args:
            step: with one of `kernels`, which no limit applies to.
        """
        ...
