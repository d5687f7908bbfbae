"""SOFTMAX of int8 and float32."""

from __future__ import annotations

from edgetool.embed.arithmetic.fixed_point import exponentials
from edgetool.embed.arithmetic.interpolation import wide_tables
from edgetool.embed.arithmetic.rescale import quantize_multiplier
from edgetool.embed.ops.checks import output_of, quantization_of, require, suffix_of
from edgetool.embed.program import Fields, Step
from edgetool.ir.graph import Graph, Op

__all__ = ["lower_softmax"]

#: What LiteRT asks of a softmax's output: steps of 1/256 from -128.
SCALE, ZERO_POINT = 1.0 / 256.0, -128


def lower_softmax(op: Op, graph: Graph) -> Step:
    """Return the call, in int8 with a table of the exponentials of all 256 distances from the largest value.

    Raises:
        UnsupportedModelError: other types, or an output of another scale.
    """
    source, result = graph.tensors[op.inputs[0]], output_of(op, graph)
    is_wider = (source.dtype, result.dtype) == ("int8", "int16")
    suffix = "s8" if is_wider else suffix_of(op, ("float32", "int8", "int16"), source, result)
    width, beta = source.shape[-1], float(op.attributes.get("beta", 1.0))
    rows: Fields = {"num_rows": source.num_elements // width, "width": width}
    if suffix == "f32":
        return Step(op.name, "softmax_f32", (source.name,), result.name, {**rows, "beta": beta}, overwrites=(0,))
    given, made = quantization_of(op, source), quantization_of(op, result)
    if suffix == "s16":
        multiplier, shift = quantize_multiplier(float(given.scale[0]) * beta / (10.0 / 65535.0))
        fields: Fields = {**rows, "multiplier": multiplier, "shift": shift, **wide_tables()}
        return Step(op.name, "softmax_s16", (source.name,), result.name, fields, overwrites=(0,))
    table = exponentials(float(given.scale[0]), beta)
    if is_wider:
        return Step(op.name, "softmax_s8_s16", (source.name,), result.name, {**rows, "exponentials": table})
    require(
        made.scale[0] == SCALE and made.zero_point[0] == ZERO_POINT,
        op,
        what=f"an output of scale {made.scale[0]:g}, zero point {made.zero_point[0]}",
        expected="1/256 and -128",
        next_step="export the model again with a current converter",
    )
    return Step(
        layer=op.name,
        kernel="softmax_s8",
        inputs=(source.name,),
        output=result.name,
        fields={**rows, "exponentials": table},
        overwrites=(0,),
    )
