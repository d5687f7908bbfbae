"""Give tensors that int8 kernels want in one scale one range, where the converter finds none by itself.

Pooling gives its output in the scale of its input, and CONCATENATION takes all operands in one (TensorFlow Lite 8-bit
quantization specification, "same scale" restrictions). The converter reconciles most graphs by requantising operands;
where a pooled tensor and its source meet again in a CONCATENATION it gives up ("same scale constraint").
"""

from __future__ import annotations

from typing import Any

import numpy as np

from edgetool.exporters.tflite.file import pack, unpack
from edgetool.exporters.tflite.kernels import operator_name
from edgetool.exporters.tflite.quantize.calibrate import stated_ranges

__all__ = ["join_ranges"]

#: Operators whose int8 kernels read and write one scale.
_SAME_SCALE = frozenset(
    {
        "AVERAGE_POOL_2D",
        "CONCATENATION",
        "EXPAND_DIMS",
        "GATHER",
        "MAXIMUM",
        "MAX_POOL_2D",
        "MINIMUM",
        "PACK",
        "PAD",
        "PADV2",
        "REDUCE_MAX",
        "REDUCE_MIN",
        "RESHAPE",
        "RESIZE_BILINEAR",
        "RESIZE_NEAREST_NEIGHBOR",
        "SLICE",
        "SPLIT",
        "SPLIT_V",
        "SQUEEZE",
        "STRIDED_SLICE",
        "TILE",
        "TRANSPOSE",
        "UNPACK",
    }
)


def join_ranges(content: bytes) -> bytes:
    """Return a calibrated float model in which all tensors that share a scale have the union of their ranges.

    Args:
        content: float, with a range at each activation.
    """
    model = unpack(content)
    graph = model.subgraphs[0]
    ranges = stated_ranges(model)
    groups = _Groups()
    for operator in graph.operators:
        if operator_name(model, operator) in _SAME_SCALE:
            groups.join([int(i) for i in (*operator.inputs, *operator.outputs) if int(i) in ranges])
    for members in groups.members():
        low = min(ranges[index][0] for index in members)
        high = max(ranges[index][1] for index in members)
        for index in members:
            quantization: Any = graph.tensors[index].quantization
            quantization.min, quantization.max = np.array([low], np.float32), np.array([high], np.float32)
    return pack(model)


class _Groups:
    """Sets of numbers that grow together."""

    def __init__(self) -> None:
        self._of: dict[int, set[int]] = {}

    def join(self, numbers: list[int]) -> None:
        """Put `numbers`, and whatever they were joined with, into one set."""
        together = set(numbers)
        for number in numbers:
            together |= self._of.get(number, set())
        for number in together:
            self._of[number] = together

    def members(self) -> list[list[int]]:
        """Return the sets, each in rising order."""
        return [sorted(group) for number, group in sorted(self._of.items()) if number == min(group)]
