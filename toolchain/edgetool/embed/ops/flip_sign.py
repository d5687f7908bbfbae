"""FLIP_SIGN, which no file has: between an application's unsigned bytes and the program's signed ones."""

from __future__ import annotations

from edgetool.embed.ops.checks import output_of
from edgetool.embed.program import Step
from edgetool.ir.graph import Graph, Op

__all__ = ["lower_flip_sign"]


def lower_flip_sign(op: Op, graph: Graph) -> Step:
    """Return the call, which may work in place."""
    result = output_of(op, graph)
    fields = {"num_elements": result.num_elements}
    return Step(op.name, "flip_sign_u8", op.inputs, result.name, {**fields}, overwrites=(0,))
