"""Kernels of the target's backend in place of portable ones."""

from __future__ import annotations

import dataclasses

from edgetool.embed.backends.choice import backend_for, why_portable
from edgetool.embed.compiler.context import Context
from edgetool.embed.program import Program, Step

__all__ = ["specialise"]


def specialise(program: Program, context: Context) -> Program:
    """Return the program with the best kernels for an instruction set; others stay portable C.

    Args:
        program: of portable kernels, see `split_unfit_channels`.
        context: the target's instruction set; empty or unknown: the portable kernels.
    """
    backend = backend_for(context.isa)
    if not backend.kernels:
        return program
    steps: list[Step] = []
    for step in program.steps:
        if why_portable(step, backend):
            steps.append(step)
            continue
        fast = backend.replace(step)
        steps.append(dataclasses.replace(fast, backend=backend.name, replaces=step))
    return dataclasses.replace(program, steps=tuple(steps))
