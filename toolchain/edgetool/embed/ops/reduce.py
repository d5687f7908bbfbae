"""REDUCE_MAX and REDUCE_MIN over neighbouring axes, of stored values."""

from __future__ import annotations

from edgetool.embed.ops.checks import output_of, require_one_scale, suffix_of
from edgetool.embed.ops.copies import KINDS
from edgetool.embed.ops.shapes import reduced_axes
from edgetool.embed.program import Step
from edgetool.ir.graph import Graph, Op

__all__ = ["lower_reduce"]


def lower_reduce(op: Op, graph: Graph) -> Step:
    """Return the call.

    Raises:
        UnsupportedModelError: other types, axes with another one between them, an output of another scale.
    """
    source, result = graph.tensors[op.inputs[0]], output_of(op, graph)
    suffix = suffix_of(op, KINDS, source, result)
    require_one_scale(op, source, result)
    outer, num_reduced, inner = reduced_axes(op, graph)
    sizes = {"num_outer": outer, "num_reduced": num_reduced, "num_inner": inner}
    return Step(op.name, f"{op.kind.lower()}_{suffix}", (source.name,), result.name, {**sizes})
