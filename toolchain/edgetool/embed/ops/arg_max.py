"""ARG_MAX and ARG_MIN: where the largest or smallest value stands."""

from __future__ import annotations

from edgetool.embed.ops.checks import constant_of, output_of, require, suffix_of
from edgetool.embed.ops.shapes import outer_inner
from edgetool.embed.program import Step
from edgetool.ir.graph import Graph, Op

__all__ = ["lower_arg_max"]


def lower_arg_max(op: Op, graph: Graph) -> Step:
    """Return the call.

    Raises:
        UnsupportedModelError: other types, an axis that is computed.
    """
    source, result = graph.tensors[op.inputs[0]], output_of(op, graph)
    suffix = suffix_of(op, ("float32", "int8"), source)
    require(result.dtype in ("int32", "int64"), op, what=f"an output of {result.dtype}", expected="int32 or int64")
    axis = int(constant_of(op, graph, 1, graph.tensors[op.inputs[1]].dtype).reshape(-1)[0]) % len(source.shape)
    outer, size, inner = outer_inner(source.shape, axis, axis)
    kernel = f"{op.kind.lower()}_{suffix}_s{result.dtype.removeprefix('int')}"
    fields = {"num_outer": outer, "size": size, "num_inner": inner}
    return Step(op.name, kernel, (source.name,), result.name, {**fields})
