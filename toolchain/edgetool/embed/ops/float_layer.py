"""Layers with weights in float32: they differ in the kernel and its sizes alone."""

from __future__ import annotations

from edgetool.data.dataset import Array
from edgetool.embed.ops.checks import bias_of, float_range
from edgetool.embed.program import Fields, Step
from edgetool.ir.graph import Graph, Op

__all__ = ["float_layer"]


def float_layer(op: Op, graph: Graph, kernel: str, weights: Array, num_channels: int, sizes: Fields) -> Step:
    """Return the call of a kernel that takes weights, biases and the limits of the fused activation.

    Args:
        op: its first input is the activation, its third the biases.
        graph: has the biases.
        kernel: without the suffix.
        weights: as the kernel wants them.
        num_channels: of the result.
        sizes: what the kernel takes besides.

    Raises:
        UnsupportedModelError: a fused activation without limits of its own.
    """
    low, high = float_range(op)
    biases = bias_of(op, graph, num_channels, "float32")
    fields: Fields = {"weights": weights, "biases": biases, **sizes, "low": low, "high": high}
    return Step(op.name, f"{kernel}_f32", (op.inputs[0],), op.outputs[0], fields)
