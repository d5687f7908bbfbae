"""Detectors of the TensorFlow Object Detection API end in a custom operator of four outputs, whose sizes files do not
state.
"""

from __future__ import annotations

import dataclasses

from edgetool.embed.ops.detections import CUSTOM, PACKED, num_detections
from edgetool.ir.graph import Graph, Op, Tensor

__all__ = ["with_detections"]


def with_detections(graph: Graph) -> Graph:
    """Return the graph with the operator under a name of its own, the sizes of its outputs, and one tensor for all.

    Raises:
        UnsupportedModelError: options that the operator does not have.
    """
    if not any(op.kind == CUSTOM for op in graph.ops):
        return graph
    tensors, ops = dict(graph.tensors), []
    for op in graph.ops:
        if op.kind != CUSTOM or len(op.outputs) != len(_sizes(1)):
            ops.append(op)
            continue
        count = num_detections(op)
        for name, shape in zip(op.outputs, _sizes(count), strict=True):
            tensors[name] = dataclasses.replace(tensors[name], shape=shape, has_shape=True)
        packed = f"{op.name}{PACKED}"
        tensors[packed] = Tensor(packed, (6 * count + 1,), "float32")
        ops.append(_renamed(op, packed))
    return dataclasses.replace(graph, tensors=tensors, ops=tuple(ops))


def _renamed(op: Op, packed: str) -> Op:
    return dataclasses.replace(op, kind="DETECTIONS", attributes={**op.attributes, "packed": packed})


def _sizes(count: int) -> tuple[tuple[int, ...], ...]:
    """Return the shapes of boxes, classes, scores, and the number of them."""
    return (1, count, 4), (1, count), (1, count), (1,)
