"""ADD: of two activations of one shape in int8 by a kernel of its own, which convolutions can take over."""

from __future__ import annotations

from edgetool.embed.ops.binary import lower_binary, sum_scales
from edgetool.embed.ops.checks import output_of
from edgetool.embed.program import Step
from edgetool.ir.graph import Graph, Op

__all__ = ["lower_add"]


def lower_add(op: Op, graph: Graph) -> Step:
    """Return the call.

    Raises:
        UnsupportedModelError: other types, or shapes that do not broadcast.
    """
    first, second = (graph.tensors[name] for name in op.inputs)
    result = output_of(op, graph)
    is_plain = first.shape == second.shape and first.constant is None and second.constant is None
    if not is_plain or {first.dtype, second.dtype, result.dtype} != {"int8"}:
        return lower_binary(op, graph)
    return Step(
        layer=op.name,
        kernel="add_s8",
        inputs=(first.name, second.name),
        output=result.name,
        fields={"num_elements": result.num_elements, "scales": sum_scales(op, first, second, result)},
        overwrites=(0, 1),
    )
