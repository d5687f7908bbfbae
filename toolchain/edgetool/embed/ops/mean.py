"""MEAN and SUM over neighbouring axes, in integers and float32."""

from __future__ import annotations

from edgetool.embed.arithmetic.rescale import quantize_multiplier
from edgetool.embed.ops.checks import output_of, quantization_of, suffix_of
from edgetool.embed.ops.shapes import reduced_axes
from edgetool.embed.program import Fields, Step
from edgetool.ir.graph import Graph, Op

__all__ = ["lower_mean"]


def lower_mean(op: Op, graph: Graph) -> Step:
    """Return the call; in int8 the division by the number of elements goes into the multiplier.

    Source of the rounding: `reference_integer_ops::Mean` in tflite/kernels/internal/reference/integer_ops/mean.h.

    Raises:
        UnsupportedModelError: other types, or axes with another one between them.
    """
    source, result = graph.tensors[op.inputs[0]], output_of(op, graph)
    suffix = suffix_of(op, ("float32", "int8", "int16"), source, result)
    outer, num_reduced, inner = reduced_axes(op, graph)
    sizes: Fields = {"num_outer": outer, "num_reduced": num_reduced, "num_inner": inner}
    if suffix == "f32":
        factor = 1.0 / num_reduced if op.kind == "MEAN" else 1.0
        return Step(op.name, "mean_f32", (source.name,), result.name, {**sizes, "factor": factor})
    given, made = quantization_of(op, source), quantization_of(op, result)
    multiplier, shift = quantize_multiplier(float(given.scale[0]) / float(made.scale[0]))
    divisor = num_reduced if op.kind == "MEAN" else 1
    up = min(divisor.bit_length() - 1, 32, 31 + shift)
    return Step(
        layer=op.name,
        kernel=f"{op.kind.lower()}_{suffix}",
        inputs=(source.name,),
        output=result.name,
        fields={
            **sizes,
            "in_zero": given.zero_point[0],
            "multiplier": (multiplier << up) // divisor,
            "shift": shift - up,
            "out_zero": made.zero_point[0],
        },
    )
