"""Sliding windows: padding and sizes, the same for convolutions and pooling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edgetool.embed.program import Fields

__all__ = ["Window", "window_of"]


@dataclass(frozen=True, slots=True)
class Window:
    """What a window does along both axes of an image.

    Attributes:
        pad_top, pad_left: rows and columns of padding in front; what is needed behind follows from the output's size.
    """

    kernel_h: int
    kernel_w: int
    stride_h: int
    stride_w: int
    dilation_h: int
    dilation_w: int
    pad_top: int
    pad_left: int

    def fields(self) -> Fields:
        """Return the fields under the names that kernels have for them."""
        return {name: int(getattr(self, name)) for name in self.__slots__}


def window_of(
    attributes: dict[str, Any], kernel: tuple[int, int], source: tuple[int, int], result: tuple[int, int]
) -> Window:
    """Return the window of an operator.

    Args:
        attributes: the operator's options; `pads` are rows and columns that `fuse_pads` found in front.
        kernel: height and width.
        source: of the input.
        result: of the output.

    Source of the padding: `ComputePaddingWithOffset` in tflite/kernels/padding.h.
    """
    strides = int(attributes["stride_h"]), int(attributes["stride_w"])
    dilations = int(attributes.get("dilation_h_factor", 1)), int(attributes.get("dilation_w_factor", 1))
    if "pads" in attributes:
        return Window(*kernel, *strides, *dilations, *attributes["pads"])
    pads = []
    for size, out, extent, stride, dilation in zip(source, result, kernel, strides, dilations, strict=True):
        needed = (out - 1) * stride + (extent - 1) * dilation + 1 - size
        pads.append(max(0, needed) // 2 if attributes["padding"] == "SAME" else 0)
    return Window(*kernel, *strides, *dilations, *pads)
