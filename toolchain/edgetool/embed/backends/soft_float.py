"""Floats on a core without a unit for them: they work, in the compiler's library, and that is said."""

from __future__ import annotations

from edgetool.embed.program import Program
from edgetool.targets import Target

__all__ = ["soft_float_warnings"]


def soft_float_warnings(program: Program, target: Target) -> tuple[str, ...]:
    """Return what is to be said of a program that computes in float32 on a target without a unit for it."""
    num_floats = sum("_f32" in step.kernel for step in program.steps)
    if target.has_fpu or not num_floats:
        return ()
    return (
        f"{num_floats} of {len(program.steps)} operators compute in float32, and {target.name} has no floating-point "
        "unit: the compiler's library does it in many instructions each; int8 needs none (--recipe w8a8_static)",
    )
