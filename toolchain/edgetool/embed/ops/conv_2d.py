"""CONV_2D in int8, weights quantised per channel, and in float32."""

from __future__ import annotations

import numpy as np

from edgetool.embed.arithmetic.rescale import layer_factors, quantize_multipliers
from edgetool.embed.ops.checks import (
    bias_of,
    fused_range,
    image_shape,
    output_of,
    quantization_of,
    require,
    suffix_of,
    weights_of,
)
from edgetool.embed.ops.float_layer import float_layer
from edgetool.embed.ops.hybrid_layer import hybrid_layer, is_hybrid
from edgetool.embed.ops.weight_zero import centred_weights, with_weight_zero
from edgetool.embed.ops.wide_layer import wide_layer
from edgetool.embed.ops.window import window_of
from edgetool.embed.program import Fields, Step
from edgetool.ir.graph import Graph, Op

__all__ = ["lower_conv_2d"]


def lower_conv_2d(op: Op, graph: Graph) -> Step:
    """Return the call; the input's zero point goes into the biases, and padding is filled with it.

    In int8, where a window is one pixel and the stride 1, no patch is gathered and no scratch memory needed.

    Raises:
        UnsupportedModelError: other types, grouped convolutions, weights that are no constant.
    """
    source, result = graph.tensors[op.inputs[0]], output_of(op, graph)
    suffix = suffix_of(op, ("float32", "int8", "int16"), source, result)
    is_mixed = suffix == "f32" and is_hybrid(op, graph)
    weights = weights_of(op, graph, "int8" if is_mixed else source.dtype)
    in_h, in_w, in_c = image_shape(op, source)
    out_h, out_w, out_c = image_shape(op, result)
    kernel_h, kernel_w, depth = (int(size) for size in weights.shape[1:])
    require(
        depth == in_c,
        op,
        what=f"{in_c} channels in groups of {depth}",
        expected="one group",
        next_step="split the layer into one convolution a group",
    )
    window = window_of(op.attributes, (kernel_h, kernel_w), (in_h, in_w), (out_h, out_w))
    sizes = {"in_h": in_h, "in_w": in_w, "out_h": out_h, "out_w": out_w}
    if suffix != "s8":
        shape: Fields = {**sizes, **window.fields(), "in_c": in_c, "out_c": out_c}
        make = hybrid_layer if is_mixed else (float_layer if suffix == "f32" else wide_layer)
        return make(op, graph, "conv", weights, out_c, {"window": shape})
    given, made = quantization_of(op, source), quantization_of(op, result)
    kernel = quantization_of(op, graph.tensors[op.inputs[1]])
    is_unsigned = bool(op.attributes.get("unsigned", False))
    weights, weight_zero = centred_weights(op, graph, weights, has_zero=is_unsigned)
    multipliers, shifts = quantize_multipliers(layer_factors(given, kernel, made, out_c, single=is_unsigned))
    low, high = fused_range(op, result)
    zero = given.zero_point[0]
    rows = weights.reshape(out_c, -1)
    biases = bias_of(op, graph, out_c).astype(np.int64) - zero * (rows.astype(np.int64) - weight_zero).sum(axis=1)
    constants: Fields = {
        "in_c": in_c,
        "out_c": out_c,
        "out_zero": made.zero_point[0],
        "low": low,
        "high": high,
        "weights": rows,
        "biases": biases.astype(np.int32),
        "multipliers": multipliers,
        "shifts": shifts,
    }
    if (kernel_h, kernel_w, window.stride_h, window.stride_w, weight_zero) == (1, 1, 1, 1, 0):
        fields = {"num_pixels": out_h * out_w, **constants}
        return Step(op.name, "pointwise_conv_s8", (source.name,), result.name, fields)
    fields = {**sizes, "in_zero": zero, **window.fields(), **constants}
    step = Step(op.name, "conv_s8", (source.name,), result.name, fields, has_scratch=True, scratch_bytes=rows.shape[1])
    return with_weight_zero(step, weight_zero, "conv")
