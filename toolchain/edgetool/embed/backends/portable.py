"""Portable C: it computes everything but sums that leave 32 bits."""

from __future__ import annotations

from dataclasses import dataclass

from edgetool.embed.backends.base import ChannelLimit, LayerLimit
from edgetool.embed.backends.limits import ROUNDED_TWICE, overflows
from edgetool.embed.program import Step

__all__ = ["PORTABLE", "Portable"]


@dataclass(frozen=True, slots=True)
class Portable:
    """The kernels that every processor has; see `edgetool.embed.backends.base.Backend`."""

    name: str = "portable"
    isas: tuple[str, ...] = ()
    kernels: tuple[str, ...] = ()
    layer_limits: tuple[LayerLimit, ...] = ()
    channel_limits: tuple[ChannelLimit, ...] = (ChannelLimit(ROUNDED_TWICE, "may leave 32 bits", overflows),)

    def replace(self, step: Step) -> Step:
        """Return the step as it is."""
        return step


PORTABLE = Portable()
