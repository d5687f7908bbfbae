"""LOGICAL_AND, LOGICAL_OR and LOGICAL_NOT."""

from __future__ import annotations

from edgetool.embed.ops.checks import output_of, require
from edgetool.embed.ops.shapes import broadcast_fields
from edgetool.embed.program import Step
from edgetool.ir.graph import Graph, Op

__all__ = ["lower_logical"]


def lower_logical(op: Op, graph: Graph) -> Step:
    """Return the call, of one byte an element.

    Raises:
        UnsupportedModelError: other types than bool, or shapes that do not broadcast.
    """
    sources = [graph.tensors[name] for name in op.inputs]
    result = output_of(op, graph)
    kinds = sorted({tensor.dtype for tensor in (*sources, result)})
    require(kinds == ["bool"], op, what=f"tensors of {', '.join(kinds)}", expected="all of bool")
    kernel = f"{op.kind.lower()}_bool"
    if op.kind == "LOGICAL_NOT":
        return Step(op.name, kernel, op.inputs, result.name, {"num_elements": result.num_elements})
    shape = broadcast_fields(op, sources[0].shape, sources[1].shape, result.shape)
    return Step(op.name, kernel, op.inputs, result.name, {"shape": shape})
