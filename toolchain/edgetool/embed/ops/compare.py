"""Comparisons of numbers, and SELECT by what they give."""

from __future__ import annotations

from edgetool.embed.ops.checks import output_of, require, require_one_scale, suffix_of
from edgetool.embed.ops.copies import KINDS
from edgetool.embed.ops.shapes import broadcast_fields
from edgetool.embed.program import Fields, Step
from edgetool.ir.graph import Graph, Op

__all__ = ["lower_compare", "lower_select"]

#: Operator -> whether it holds below, at and above the second operand.
RELATIONS = {
    "EQUAL": (0, 1, 0), "NOT_EQUAL": (1, 0, 1), "LESS": (1, 0, 0), "LESS_EQUAL": (1, 1, 0), "GREATER": (0, 0, 1),
    "GREATER_EQUAL": (0, 1, 1),
}  # fmt: skip


def lower_compare(op: Op, graph: Graph) -> Step:
    """Return the call, whose result has one byte an element.

    Raises:
        UnsupportedModelError: other types, or shapes that do not broadcast.
    """
    first, second = (graph.tensors[name] for name in op.inputs)
    result = output_of(op, graph)
    suffix = suffix_of(op, ("float32", "int32"), first, second)
    below, equal, above = RELATIONS[op.kind]
    shape = broadcast_fields(op, first.shape, second.shape, result.shape)
    fields: Fields = {"shape": shape, "below": below, "equal": equal, "above": above}
    return Step(op.name, f"compare_{suffix}", (first.name, second.name), result.name, fields)


def lower_select(op: Op, graph: Graph) -> Step:
    """Return the call.

    Raises:
        UnsupportedModelError: other types, or a condition that is neither one for all nor one for each element.
    """
    condition, first, second = (graph.tensors[name] for name in op.inputs)
    result = output_of(op, graph)
    suffix = suffix_of(op, KINDS, first, second, result)
    require_one_scale(op, first, second, result)
    sizes = [tensor.num_elements for tensor in (first, second)]
    size = result.num_elements
    require(
        sizes == [size, size] and condition.num_elements in (1, size) and condition.dtype == "bool", op,
        what=f"{list(condition.shape)} of {condition.dtype} for {list(first.shape)} and {list(second.shape)}",
        expected="tensors of one shape, and one condition or as many", next_step="broadcast before the layer",
    )  # fmt: skip
    step = int(condition.num_elements != 1)
    names = (condition.name, first.name, second.name)
    return Step(op.name, f"select_{suffix}", names, result.name, {"num_elements": size, "condition_step": step})
