"""CUMSUM: running sums along one axis."""

from __future__ import annotations

from edgetool.embed.ops.checks import constant_of, output_of, suffix_of
from edgetool.embed.ops.shapes import outer_inner
from edgetool.embed.program import Fields, Step
from edgetool.ir.graph import Graph, Op

__all__ = ["lower_cumsum"]


def lower_cumsum(op: Op, graph: Graph) -> Step:
    """Return the call.

    Raises:
        UnsupportedModelError: other types than float32, or an axis that is computed.
    """
    source, result = graph.tensors[op.inputs[0]], output_of(op, graph)
    suffix = suffix_of(op, ("float32",), source, result)
    axis = int(constant_of(op, graph, 1, "int32").reshape(-1)[0]) % len(source.shape)
    outer, size, inner = outer_inner(source.shape, axis, axis)
    fields: Fields = {
        "num_outer": outer,
        "size": size,
        "num_inner": inner,
        "is_exclusive": int(bool(op.attributes.get("exclusive", False))),
        "is_reverse": int(bool(op.attributes.get("reverse", False))),
    }
    return Step(op.name, f"cumsum_{suffix}", (source.name,), result.name, fields)
