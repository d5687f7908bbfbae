"""TRANSPOSE_CONV, the convolution that makes images larger."""

from __future__ import annotations

import numpy as np

from edgetool.embed.arithmetic.rescale import channel_factors, quantize_multipliers
from edgetool.embed.ops.checks import (
    constant_of,
    float_range,
    fused_range,
    image_shape,
    output_of,
    quantization_of,
    require,
    suffix_of,
)
from edgetool.embed.program import Fields, Step
from edgetool.ir.graph import Graph, Op

__all__ = ["lower_transpose_conv"]


def lower_transpose_conv(op: Op, graph: Graph) -> Step:
    """Return the call. Inputs: the output's shape, weights `[out_c, kh, kw, in_c]`, the image, biases.

    Raises:
        UnsupportedModelError: other types, weights that are no constant.
    """
    source, result = graph.tensors[op.inputs[2]], output_of(op, graph)
    suffix = suffix_of(op, ("float32", "int8", "int16"), source, result)
    weights = constant_of(op, graph, 1, "float32" if suffix == "f32" else "int8")
    in_h, in_w, in_c = image_shape(op, source)
    out_h, out_w, out_c = image_shape(op, result)
    kernel_h, kernel_w = int(weights.shape[1]), int(weights.shape[2])
    require(
        weights.shape == (out_c, kernel_h, kernel_w, in_c),
        op,
        what=f"weights {list(weights.shape)}",
        expected=f"[{out_c}, height, width, {in_c}]",
    )
    strides = int(op.attributes["stride_h"]), int(op.attributes["stride_w"])
    pads = []
    for size, out, extent, stride in zip((in_h, in_w), (out_h, out_w), (kernel_h, kernel_w), strides, strict=True):
        # The forward convolution's padding, from the large image to the small one.
        needed = (size - 1) * stride + extent - out
        pads.append(max(0, needed) // 2 if op.attributes["padding"] == "SAME" else 0)
    shape: Fields = {
        "in_h": in_h,
        "in_w": in_w,
        "in_c": in_c,
        "out_h": out_h,
        "out_w": out_w,
        "out_c": out_c,
        "kernel_h": kernel_h,
        "kernel_w": kernel_w,
        "stride_h": strides[0],
        "stride_w": strides[1],
        "pad_top": pads[0],
        "pad_left": pads[1],
    }
    by_tap = np.ascontiguousarray(weights.transpose(1, 2, 0, 3))
    has_bias = len(op.inputs) > 3 and bool(op.inputs[3])
    kind = {"f32": "float32", "s8": "int32", "s16": "int64"}[suffix]
    biases = constant_of(op, graph, 3, kind).reshape(-1) if has_bias else np.zeros(out_c, kind)
    fields: Fields = {"shape": shape, "weights": by_tap, "biases": biases}
    if suffix == "f32":
        low, high = float_range(op)
        return Step(op.name, "transpose_conv_f32", (source.name,), result.name, {**fields, "low": low, "high": high})
    given, made = quantization_of(op, source), quantization_of(op, result)
    kernel = quantization_of(op, graph.tensors[op.inputs[1]])
    multipliers, shifts = quantize_multipliers(channel_factors(given, kernel, made, out_c))
    bottom, top = fused_range(op, result)
    fields |= {"multipliers": multipliers, "shifts": shifts, "low": bottom, "high": top}
    if suffix == "s8":
        fields |= {
            "sums": (by_tap.sum(axis=3, dtype=np.int64) * given.zero_point[0]).astype(np.int32),
            "out_zero": made.zero_point[0],
        }
    return Step(op.name, f"transpose_conv_{suffix}", (source.name,), result.name, fields)
