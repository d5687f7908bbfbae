"""Operators that change each value by itself: a table in int8, a function of math.h in float32."""

from __future__ import annotations

from edgetool.embed.ops.checks import output_of
from edgetool.embed.ops.table import lower_table
from edgetool.embed.ops.wide_unary import lower_wide_unary
from edgetool.embed.program import Step
from edgetool.ir.graph import Graph, Op

__all__ = ["lower_unary"]


def lower_unary(op: Op, graph: Graph) -> Step:
    """Return the call.

    Raises:
        UnsupportedModelError: other types.
    """
    source, result = graph.tensors[op.inputs[0]], output_of(op, graph)
    if "int16" in (source.dtype, result.dtype):
        return lower_wide_unary(op, graph)
    if {source.dtype, result.dtype} != {"float32"}:
        return lower_table(op, graph)
    name = op.kind.lower()
    if op.kind == "GELU" and bool(op.attributes.get("approximate", False)):
        name = "gelu_tanh"
    return Step(
        layer=op.name,
        kernel=f"{name}_f32",
        inputs=(source.name,),
        output=result.name,
        fields={"num_elements": result.num_elements, "alpha": float(op.attributes.get("alpha", 0.0))},
        overwrites=(0,),
    )
