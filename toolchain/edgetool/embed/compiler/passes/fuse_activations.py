"""Activations that are operators of their own become the limits of the operator in front of them."""

from __future__ import annotations

import dataclasses
from typing import cast

import numpy as np

from edgetool.embed.ops.checks import LARGEST
from edgetool.embed.program import Fields, Program, Step

__all__ = ["fuse_activations"]

#: Kernels whose last act is to keep a result within `low` and `high`, in their fields or in those named.
LIMITED = {
    **dict.fromkeys(
        (
            "conv_s8",
            "pointwise_conv_s8",
            "depthwise_conv_s8",
            "fully_connected_s8",
            "conv_f32",
            "depthwise_conv_f32",
            "fully_connected_f32",
            "add_f32",
        ),
        "",
    ),
    **dict.fromkeys(("add_s8", "conv_add_s8", "pointwise_add_s8"), "scales"),
}

#: Float activation -> what it lets through.
FLOATS = {"relu_f32": (0.0, LARGEST), "relu6_f32": (0.0, 6.0), "relu_n1_to_1_f32": (-1.0, 1.0)}


def fuse_activations(program: Program) -> Program:
    """Return the program without activations that the kernel in front of them can do by its limits.

    In int8 any table will do that keeps the values which the kernel can give within limits and changes none of the
    others: LiteRT's own kernel filled it, so that the result is that of the two, bit for bit.

    Args:
        program: a table that is still empty tells nothing of its activation, which then stays.
    """
    steps: list[Step | None] = list(program.steps)
    readers = program.readers()
    makers: dict[str, int] = {}
    for index, step in enumerate(program.steps):
        source = program.owner(step.inputs[0]) if step.inputs else ""
        at = makers.get(source, -1)
        maker = steps[at] if at >= 0 and readers[source] == [index] else None
        fused = _fused(maker, step) if maker is not None else None
        makers[program.owner(step.output)] = index
        if fused is not None:
            steps[at], steps[index] = fused, None
            makers[program.owner(step.output)] = at
    return dataclasses.replace(program, steps=tuple(step for step in steps if step is not None))


def _fused(maker: Step, activation: Step) -> Step | None:
    """Return the kernel with the activation's limits; None where it has none, or they are not all that it does."""
    if maker.kernel not in LIMITED:
        return None
    key = LIMITED[maker.kernel]
    inner = cast("Fields", maker.fields[key]) if key else maker.fields
    low, high = inner["low"], inner["high"]
    assert isinstance(low, int | float) and isinstance(high, int | float)
    limits = _limits(activation, low, high)
    if limits is None:
        return None
    inner = {**inner, "low": limits[0], "high": limits[1]}
    return dataclasses.replace(
        maker,
        layer=f"{maker.layer}, {activation.layer}",
        output=activation.output,
        fields={**maker.fields, key: inner} if key else inner,
    )


def _limits(activation: Step, low: float, high: float) -> tuple[float, float] | None:
    """Return what is let through of values from `low` to `high`."""
    if activation.kernel in FLOATS:
        least, most = FLOATS[activation.kernel]
        return min(max(low, least), most), min(max(high, least), most)
    if activation.kernel != "table_s8":
        return None
    table = activation.fields["table"]
    assert isinstance(table, np.ndarray)
    if not table.size:
        return None
    given = np.arange(int(low), int(high) + 1)
    made = table[given + 128].astype(np.int64)
    least, most = int(made[0]), int(made[-1])
    return (least, most) if least <= most and np.array_equal(made, np.clip(given, least, most)) else None
