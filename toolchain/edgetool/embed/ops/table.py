"""Operators that change each int8 value by itself: a table of 256 answers, whatever the operator computes."""

from __future__ import annotations

import numpy as np

from edgetool.embed.ops.checks import output_of, quantization_of, require, require_int8
from edgetool.embed.program import Step
from edgetool.ir.graph import Graph, Op

__all__ = ["lower_table"]


def lower_table(op: Op, graph: Graph) -> Step:
    """Return the call, its table still empty: `edgetool.embed.tables` has LiteRT's reference kernel fill it.

    Raises:
        UnsupportedModelError: other types.
    """
    source, result = graph.tensors[op.inputs[0]], output_of(op, graph)
    require_int8(op, source, result)
    for tensor in (source, result):
        quantization_of(op, tensor)
    require(
        source.num_elements == result.num_elements, op, what=f"{list(source.shape)} -> {list(result.shape)}",
        expected="one value out for one in",
    )  # fmt: skip
    return Step(
        layer=op.name,
        kernel="table_s8",
        inputs=(source.name,),
        output=result.name,
        fields={"num_elements": result.num_elements, "table": np.zeros(256, np.int8)},
        overwrites=(0,),
    )
