"""Operators that no output depends on leave the graph, and so do operands that a change of shape does not need."""

from __future__ import annotations

import dataclasses

from edgetool.embed.ops import ALIASES
from edgetool.ir.graph import Graph, Op

__all__ = ["drop_unneeded"]


def drop_unneeded(graph: Graph) -> Graph:
    """Return the graph with the operators that an output or a state depends on, in their order.

    A change of shape keeps its first operand alone, because the file states the shape that comes of it.
    """
    needed = {*graph.outputs, *graph.states}
    kept: list[Op] = []
    for op in reversed(graph.ops):
        if not needed & set(op.outputs):
            continue
        plain = _without_shape(op)
        kept.append(plain)
        needed.update(name for name in plain.inputs if name)
    return dataclasses.replace(graph, ops=tuple(reversed(kept)))


def _without_shape(op: Op) -> Op:
    if op.kind not in ALIASES:
        return op
    return dataclasses.replace(op, inputs=op.inputs[:1])
