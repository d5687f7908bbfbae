"""Take the learned ranges out of a quantise-aware model converted to ONNX.

tf2onnx writes TF-MOT's fake-quantise layers as QuantizeLinear and DequantizeLinear on activations. Their scales and
zero points are read as ranges and the nodes removed, so that a quantise-aware model is then stored by the same code as
a calibrated one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from edgetool.exporters.onnx_fold import fold_pads
from edgetool.exporters.onnx_graph import bypass, constant, drop_unused
from edgetool.exporters.onnx_tidy import merge_reshapes

__all__ = ["take_ranges"]

#: Operators that move or select values: input and output have one range.
MOVES = ("Reshape", "Transpose", "Flatten", "Squeeze", "Unsqueeze", "MaxPool", "Slice", "Split", "Relu", "Clip", "Pad")


def take_ranges(model: Any) -> dict[str, tuple[float, float]]:
    """Remove QuantizeLinear and DequantizeLinear from `model` (modified) and return tensor name -> (low, high)."""
    graph = model.graph
    ranges: dict[str, tuple[float, float]] = {}
    quantized: dict[str, tuple[float, float]] = {}
    for node in list(graph.node):
        if node.op_type == "QuantizeLinear":
            found = _range(graph, node)
            if found is not None:
                quantized[node.output[0]] = found
                ranges[node.input[0]] = found
    for node in list(graph.node):
        if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
            kept = ranges.get(node.input[0])
            bypass(graph, node)
            if kept is not None:
                ranges[node.output[0]] = kept
    merge_reshapes(graph)
    fold_pads(graph)
    drop_unused(graph)
    _cut_below_zero(graph, ranges)
    _spread(graph, ranges)
    return ranges


def _range(graph: Any, node: Any) -> tuple[float, float] | None:
    """Return the real values that a per-tensor QuantizeLinear can hold."""
    scale = constant(graph, node.input[1])
    zero = constant(graph, node.input[2]) if len(node.input) > 2 else np.zeros((), np.uint8)
    if scale is None or zero is None or scale.size != 1:
        return None
    limits = np.iinfo(zero.dtype)
    step, offset = float(scale.ravel()[0]), int(zero.ravel()[0])
    return (limits.min - offset) * step, (limits.max - offset) * step


def _cut_below_zero(graph: Any, ranges: dict[str, tuple[float, float]]) -> None:
    """Start ranges after ReLU and ReLU6 at zero.

    Learned ones may reach below, which wastes steps and, with a zero
    point other than the smallest integer, keeps runtimes from fusing the activation.
    """
    for node in graph.node:
        floor = constant(graph, node.input[1]) if node.op_type == "Clip" and len(node.input) > 1 else None
        cut = node.op_type == "Relu" or (floor is not None and float(floor) >= 0.0)
        if cut and node.output[0] in ranges:
            low, high = ranges[node.output[0]]
            ranges[node.output[0]] = (max(low, 0.0), max(high, 0.0))


def _spread(graph: Any, ranges: dict[str, tuple[float, float]]) -> None:
    """Carry ranges over operators that only move values, forwards, then backwards where the input has none."""
    for node in graph.node:
        if node.op_type in MOVES and node.input[0] in ranges:
            for output in node.output:
                ranges.setdefault(output, ranges[node.input[0]])
    for node in reversed(graph.node):
        if node.op_type in MOVES and node.output[0] in ranges:
            ranges.setdefault(node.input[0], ranges[node.output[0]])
