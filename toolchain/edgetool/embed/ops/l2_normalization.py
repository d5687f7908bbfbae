"""L2_NORMALIZATION: rows of length one, as embeddings end."""

from __future__ import annotations

import math

from edgetool.embed.ops.checks import output_of, require, suffix_of
from edgetool.embed.program import Fields, Step
from edgetool.ir.graph import Graph, Op

__all__ = ["lower_l2_normalization"]


def lower_l2_normalization(op: Op, graph: Graph) -> Step:
    """Return the call.

    Raises:
        UnsupportedModelError: other types than float32, or a fused activation.
    """
    source, result = graph.tensors[op.inputs[0]], output_of(op, graph)
    suffix = suffix_of(op, ("float32",), source, result)
    activation = str(op.attributes.get("fused_activation_function", "NONE"))
    require(activation == "NONE", op, what=f"fused activation {activation}", expected="NONE")
    *rows, depth = source.shape
    fields: Fields = {"num_rows": math.prod(rows), "depth": depth}
    return Step(op.name, f"l2_normalization_{suffix}", (source.name,), result.name, fields)
