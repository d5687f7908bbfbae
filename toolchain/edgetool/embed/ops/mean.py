"""MEAN of int8 over neighbouring axes."""

from __future__ import annotations

import math

import numpy as np

from edgetool.embed.ops.checks import constant_of, output_of, quantization_of, require, require_int8
from edgetool.embed.program import Step
from edgetool.embed.rescale import quantize_multiplier
from edgetool.ir.graph import Graph, Op

__all__ = ["lower_mean"]


def lower_mean(op: Op, graph: Graph) -> Step:
    """Return the call; the division by the number of elements goes into the multiplier.

    Source of the rounding: `reference_integer_ops::Mean` in tflite/kernels/internal/reference/integer_ops/mean.h.

    Raises:
        UnsupportedModelError: other types, or axes with another one between them.
    """
    source, result = graph.tensors[op.inputs[0]], output_of(op, graph)
    require_int8(op, source, result)
    rank = len(source.shape)
    axes = sorted({int(axis) % rank for axis in np.atleast_1d(constant_of(op, graph, 1, "int32")).reshape(-1)})
    require(
        axes == list(range(axes[0], axes[-1] + 1)), op, what=f"axes {axes}", expected="neighbouring axes",
        next_step="transpose before the mean, or take two means",
    )  # fmt: skip
    given, made = quantization_of(op, source), quantization_of(op, result)
    num_reduced = math.prod(source.shape[axis] for axis in axes)
    multiplier, shift = quantize_multiplier(float(given.scale[0]) / float(made.scale[0]))
    up = min(num_reduced.bit_length() - 1, 32, 31 + shift)
    return Step(
        layer=op.name,
        kernel="mean_s8",
        inputs=(source.name,),
        output=result.name,
        fields={
            "num_outer": math.prod(source.shape[: axes[0]]), "num_reduced": num_reduced,
            "num_inner": math.prod(source.shape[axes[-1] + 1 :]), "in_zero": given.zero_point[0],
            "multiplier": (multiplier << up) // num_reduced, "shift": shift - up, "out_zero": made.zero_point[0],
        },
    )  # fmt: skip
