"""LOG_SOFTMAX of float32."""

from __future__ import annotations

from edgetool.embed.ops.checks import output_of, suffix_of
from edgetool.embed.program import Step
from edgetool.ir.graph import Graph, Op

__all__ = ["lower_log_softmax"]


def lower_log_softmax(op: Op, graph: Graph) -> Step:
    """Return the call.

    Raises:
        UnsupportedModelError: other types.
    """
    source, result = graph.tensors[op.inputs[0]], output_of(op, graph)
    suffix_of(op, ("float32",), source, result)
    width = source.shape[-1]
    rows = {"num_rows": source.num_elements // width, "width": width}
    return Step(op.name, "log_softmax_f32", (source.name,), result.name, {**rows}, overwrites=(0,))
