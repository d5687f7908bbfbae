"""Inputs and outputs in the arena, or in buffers of the application."""

from __future__ import annotations

import dataclasses

from edgetool.embed.compiler.context import IO, Context
from edgetool.embed.ops.checks import SUFFIXES
from edgetool.embed.program import Program, Step
from edgetool.errors import UnsupportedModelError, UsageError, nearest
from edgetool.ir.graph import Tensor

__all__ = ["place_io"]


def place_io(program: Program, context: Context) -> Program:
    """Return the program with its inputs and outputs where the context says.

    In the application's buffers every output has memory of its own: where it is an input seen in another shape, a
    constant, or the memory of another output, a copy is made at the end.

    Raises:
        UsageError: another word.
        UnsupportedModelError: a copy of a type that no kernel is for.
    """
    io = context.io
    if io not in IO:
        raise UsageError(f"--io {io}", found="no such choice", expected=", ".join(IO), next_step=nearest(io, [*IO]))
    if io == "arena":
        return program
    tensors, aliases, steps = dict(program.tensors), dict(program.aliases), list(program.steps)
    taken = {program.owner(name) for name in program.inputs} | {*program.constants()}
    outputs = []
    for index, name in enumerate(program.outputs):
        root = program.owner(name)
        if root not in taken and tensors[root].constant is None:
            taken.add(root)
            outputs.append(name)
            continue
        own = f"{name} (output {index})"
        tensors[own] = dataclasses.replace(tensors[name], name=own, constant=None)
        steps.append(_copy(name, tensors[own]))
        outputs.append(own)
    return dataclasses.replace(
        program, tensors=tensors, aliases=aliases, steps=tuple(steps), outputs=tuple(outputs), io="caller"
    )


def _copy(source: str, result: Tensor) -> Step:
    suffix = SUFFIXES.get(result.dtype)
    if suffix is None:
        raise UnsupportedModelError(
            source,
            found=f"an output of {result.dtype} that is another tensor's memory",
            expected=f"one of {', '.join(SUFFIXES)}",
            next_step="--io arena",
        )
    ones = {f"n{axis}": 1 for axis in range(4)}
    strides = {f"{end}{axis}": int(axis == 4) for end in ("from", "to") for axis in range(5)}
    fields = {**ones, "n4": result.num_elements, "from": 0, "to": 0, **strides}
    return Step(result.name, f"copy_{suffix}", (source,), result.name, {**fields})
