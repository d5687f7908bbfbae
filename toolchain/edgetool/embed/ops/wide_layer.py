"""Layers with int8 weights and 16-bit activations: they differ in the kernel and its sizes alone."""

from __future__ import annotations

import numpy as np

from edgetool.data.dataset import Array
from edgetool.embed.arithmetic.rescale import channel_factors, quantize_multipliers
from edgetool.embed.ops.checks import bias_of, fused_range, quantization_of
from edgetool.embed.program import Fields, Step
from edgetool.ir.graph import Graph, Op
from edgetool.ir.operators import Family, family_of

__all__ = ["wide_layer"]


def wide_layer(op: Op, graph: Graph, kernel: str, weights: Array, num_channels: int, sizes: Fields) -> Step:
    """Return the call of a kernel that sums products in 64 bits; zero points are 0, biases int64.

    Sums are rescaled by a multiplier of 16 bits, those of FULLY_CONNECTED by the factor in double precision.

    Args:
        op: its first input is the activation, its second the weights, its third the biases.
        graph: has them.
        kernel: without the suffix.
        weights: int8, as the kernel wants them.
        num_channels: of the result.
        sizes: what the kernel takes besides.

    Raises:
        UnsupportedModelError: biases of 32 bits, which LiteRT sums otherwise.
    """
    source, result = graph.tensors[op.inputs[0]], graph.tensors[op.outputs[0]]
    given, kernel_scale, made = (quantization_of(op, graph.tensors[name]) for name in (*op.inputs[:2], result.name))
    factors = channel_factors(given, kernel_scale, made, num_channels)
    scales: Fields = {"factors": np.array(factors, np.float64)}
    if family_of(op.kind) is not Family.DENSE:
        multipliers, shifts = quantize_multipliers(factors)
        scales = {"multipliers": multipliers, "shifts": shifts}
    low, high = fused_range(op, result)
    fields: Fields = {
        "weights": weights,
        "biases": bias_of(op, graph, num_channels, "int64"),
        **scales,
        **sizes,
        "low": low,
        "high": high,
    }
    return Step(op.name, f"{kernel}_s16", (source.name,), result.name, fields)
