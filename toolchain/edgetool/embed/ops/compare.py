"""Comparisons of numbers, and SELECT by what they give."""

from __future__ import annotations

from edgetool.embed.ops.checks import output_of, require, require_one_scale, suffix_of
from edgetool.embed.ops.copies import KINDS
from edgetool.embed.ops.shapes import broadcast_fields, select_fields
from edgetool.embed.program import Fields, Step
from edgetool.ir.graph import Graph, Op

__all__ = ["lower_compare", "lower_select"]

#: Operator -> whether it holds below, at and above the second operand.
RELATIONS = {
    "EQUAL": (0, 1, 0),
    "NOT_EQUAL": (1, 0, 1),
    "LESS": (1, 0, 0),
    "LESS_EQUAL": (1, 1, 0),
    "GREATER": (0, 0, 1),
    "GREATER_EQUAL": (0, 1, 1),
}


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
        UnsupportedModelError: other types, or shapes that do not broadcast.
    """
    condition, first, second = (graph.tensors[name] for name in op.inputs)
    result = output_of(op, graph)
    suffix = suffix_of(op, KINDS, first, second, result)
    require_one_scale(op, first, second, result)
    require(condition.dtype == "bool", op, what=f"a condition of {condition.dtype}", expected="bool")
    shape = condition.shape
    if op.kind == "SELECT" and len(shape) == 1 < len(result.shape):
        shape = (*shape, *(1 for _ in result.shape[1:]))  # one condition for each row
    fields = select_fields(op, shape, first.shape, second.shape, result.shape)
    return Step(op.name, f"select_{suffix}", (condition.name, first.name, second.name), result.name, fields)
