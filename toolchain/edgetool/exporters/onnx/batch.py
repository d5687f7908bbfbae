"""Where the samples lie in the inputs of an ONNX graph: on the first axis, or behind the layers of a state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgetool.ir.onnx_inputs import dims_of, graph_inputs
from edgetool.runners.agent import sample_axes

if TYPE_CHECKING:
    from onnx import GraphProto

__all__ = ["fixed_batch", "input_axes"]


def input_axes(graph: GraphProto) -> dict[str, int | None]:
    """Return input name -> the axis of its samples; None where it has none, as a scalar."""
    inputs = graph_inputs(graph)
    axes = sample_axes([dims_of(value) for value in inputs])
    return {str(value.name): axis for value, axis in zip(inputs, axes, strict=True)}


def fixed_batch(graph: GraphProto) -> int | None:
    """Return how many samples the graph takes at once; None where that is open.

    It is 1 where an input has no axis for samples: it takes one value for all of them.
    """
    axes = input_axes(graph)
    dims = {str(value.name): dims_of(value) for value in graph_inputs(graph)}
    counts = [dims[name][axis] for name, axis in axes.items() if axis is not None]
    if None in axes.values() or not counts:
        return 1
    return counts[0] if isinstance(counts[0], int) else None
