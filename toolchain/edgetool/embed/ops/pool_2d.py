"""AVERAGE_POOL_2D and MAX_POOL_2D in int8 and float32."""

from __future__ import annotations

from edgetool.embed.ops.checks import (
    float_range,
    fused_range,
    image_shape,
    output_of,
    quantization_of,
    require,
    suffix_of,
)
from edgetool.embed.ops.window import window_of
from edgetool.embed.program import Fields, Step
from edgetool.ir.graph import Graph, Op

__all__ = ["lower_pool_2d"]

KERNELS = {"AVERAGE_POOL_2D": "average_pool", "MAX_POOL_2D": "max_pool"}


def lower_pool_2d(op: Op, graph: Graph) -> Step:
    """Return the call.

    Raises:
        UnsupportedModelError: other types, or an output of another scale than the input, which pooling cannot give.
    """
    source, result = graph.tensors[op.inputs[0]], output_of(op, graph)
    suffix = suffix_of(op, ("float32", "int8", "int16"), source, result)
    require(
        suffix == "f32" or quantization_of(op, source) == quantization_of(op, result),
        op,
        what="another scale behind it than in front",
        expected="one scale",
        next_step="export the model again with a current converter",
    )
    in_h, in_w, channels = image_shape(op, source)
    out_h, out_w, _ = image_shape(op, result)
    extent = int(op.attributes["filter_height"]), int(op.attributes["filter_width"])
    window = window_of(op.attributes, extent, (in_h, in_w), (out_h, out_w))
    kernel = f"{KERNELS[op.kind]}_{suffix}"
    if suffix != "s8":
        shape: Fields = {
            "in_h": in_h,
            "in_w": in_w,
            "in_c": channels,
            "out_h": out_h,
            "out_w": out_w,
            "out_c": channels,
            **window.fields(),
        }
        bounds = float_range(op) if suffix == "f32" else fused_range(op, result)
        fields: Fields = {"window": shape, "low": bounds[0], "high": bounds[1]}
        return Step(op.name, kernel, (source.name,), result.name, fields)
    if op.kind == "AVERAGE_POOL_2D" and op.attributes.get("unsigned", False):
        kernel = "average_pool_u8"
    low, high = fused_range(op, result)
    return Step(
        layer=op.name,
        kernel=kernel,
        inputs=(source.name,),
        output=result.name,
        fields={
            "in_h": in_h,
            "in_w": in_w,
            "channels": channels,
            "out_h": out_h,
            "out_w": out_w,
            **{name: value for name, value in window.fields().items() if not name.startswith("dilation")},
            "low": low,
            "high": high,
        },
    )
