"""DEPTHWISE_CONV_2D in int8, weights quantised per channel, and in float32."""

from __future__ import annotations

import numpy as np

from edgetool.embed.arithmetic.rescale import layer_factors, quantize_multipliers
from edgetool.embed.ops.checks import (
    bias_of,
    fused_range,
    image_shape,
    output_of,
    quantization_of,
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

__all__ = ["lower_depthwise_conv_2d"]


def lower_depthwise_conv_2d(op: Op, graph: Graph) -> Step:
    """Return the call; the input's zero point goes into the biases, and a tap in the padding adds its weight's share.

    Raises:
        UnsupportedModelError: other types, weights that are no constant.
    """
    source, result = graph.tensors[op.inputs[0]], output_of(op, graph)
    suffix = suffix_of(op, ("float32", "int8", "int16"), source, result)
    is_mixed = suffix == "f32" and is_hybrid(op, graph)
    weights = weights_of(op, graph, "int8" if is_mixed else source.dtype)
    in_h, in_w, in_c = image_shape(op, source)
    out_h, out_w, out_c = image_shape(op, result)
    window = window_of(op.attributes, (int(weights.shape[1]), int(weights.shape[2])), (in_h, in_w), (out_h, out_w))
    shape: Fields = {
        "in_h": in_h,
        "in_w": in_w,
        "in_c": in_c,
        "out_h": out_h,
        "out_w": out_w,
        "out_c": out_c,
        **window.fields(),
    }
    if suffix != "s8":
        make = hybrid_layer if is_mixed else (float_layer if suffix == "f32" else wide_layer)
        return make(op, graph, "depthwise_conv", weights.reshape(-1, out_c), out_c, {"window": shape})
    given, made = quantization_of(op, source), quantization_of(op, result)
    kernel = quantization_of(op, graph.tensors[op.inputs[1]])
    is_unsigned = bool(op.attributes.get("unsigned", False))
    weights, weight_zero = centred_weights(op, graph, weights, has_zero=is_unsigned)
    multipliers, shifts = quantize_multipliers(layer_factors(given, kernel, made, out_c, single=is_unsigned))
    low, high = fused_range(op, result)
    zero = given.zero_point[0]
    taps = weights.reshape(-1, out_c)
    biases = bias_of(op, graph, out_c).astype(np.int64) - zero * (taps.astype(np.int64) - weight_zero).sum(axis=0)
    step = Step(
        layer=op.name,
        kernel="depthwise_conv_s8",
        inputs=(source.name,),
        output=result.name,
        fields={
            **shape,
            "in_zero": zero,
            "out_zero": made.zero_point[0],
            "low": low,
            "high": high,
            "weights": taps,
            "biases": biases.astype(np.int32),
            "multipliers": multipliers,
            "shifts": shifts,
        },
        has_scratch=True,
        scratch_bytes=4 * out_c,
    )
    return with_weight_zero(step, weight_zero, "conv")
