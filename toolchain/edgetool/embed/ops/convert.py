"""QUANTIZE, DEQUANTIZE and CAST: from one type or scale to another."""

from __future__ import annotations

from edgetool.embed.arithmetic.rescale import quantize_multiplier
from edgetool.embed.ops.checks import output_of, quantization_of, require
from edgetool.embed.ops.table import lower_table
from edgetool.embed.ops.wide_unary import lower_wide_unary
from edgetool.embed.program import Fields, Step
from edgetool.ir.graph import Graph, Op, Tensor

__all__ = ["lower_convert"]

#: Operator, type in front and behind -> kernel.
KERNELS = {
    ("QUANTIZE", "float32", "int8"): "quantize_f32_s8",
    ("QUANTIZE", "float32", "int16"): "quantize_f32_s16",
    ("QUANTIZE", "int16", "int32"): "quantize_s16_s32",
    ("QUANTIZE", "int16", "int8"): "quantize_s16_s8",
    ("QUANTIZE", "int8", "int16"): "quantize_s8_s16",
    ("QUANTIZE", "int8", "int32"): "quantize_s8_s32",
    ("DEQUANTIZE", "int8", "float32"): "dequantize_s8_f32",
    ("DEQUANTIZE", "int16", "float32"): "dequantize_s16_f32",
    ("CAST", "bool", "float32"): "cast_bool_f32",
    ("CAST", "bool", "int32"): "cast_bool_s32",
    ("CAST", "float32", "bool"): "cast_f32_bool",
    ("CAST", "float32", "int32"): "cast_f32_s32",
    ("CAST", "float32", "int64"): "cast_f32_s64",
    ("CAST", "int8", "float32"): "dequantize_s8_f32",
    ("CAST", "int8", "int32"): "cast_s8_s32",
    ("CAST", "int16", "float32"): "cast_s16_f32",
    ("CAST", "int16", "int32"): "cast_s16_s32",
    ("CAST", "int32", "bool"): "cast_s32_bool",
    ("CAST", "int32", "float32"): "cast_s32_f32",
    ("CAST", "int32", "int64"): "cast_s32_s64",
    ("CAST", "int64", "float32"): "cast_s64_f32",
    ("CAST", "int64", "int32"): "cast_s64_s32",
}


def lower_convert(op: Op, graph: Graph) -> Step:
    """Return the call; from int8 to int8 is a table, from int16 to int16 a line.

    Raises:
        UnsupportedModelError: types without a kernel.
    """
    source, result = graph.tensors[op.inputs[0]], output_of(op, graph)
    if (source.dtype, result.dtype) == ("int8", "int8"):
        return lower_table(op, graph)
    if (source.dtype, result.dtype) == ("int16", "int16"):
        return lower_wide_unary(op, graph)
    kernel = KERNELS.get((op.kind, source.dtype, result.dtype))
    require(
        kernel is not None,
        op,
        what=f"{source.dtype} to {result.dtype}",
        expected=", ".join(sorted(f"{a} to {b}" for kind, a, b in KERNELS if kind == op.kind)) or "another operator",
    )
    assert kernel is not None
    fields: Fields = {"num_elements": result.num_elements}
    if kernel == "cast_s8_s32":
        is_unsigned = bool(op.attributes.get("unsigned", False))
        require(
            not is_unsigned, op, what="uint8 to int32", expected="uint8 to float32", next_step="cast to float32 first"
        )
    elif op.kind == "QUANTIZE" and source.dtype != "float32":
        fields |= _factor(op, source, result)
    elif kernel == "dequantize_s8_f32" and op.kind == "CAST":
        # The numbers themselves, of unsigned bytes those before their sign was flipped.
        fields |= {"scale": 1.0, "zero": -128 if op.attributes.get("unsigned", False) else 0}
    elif op.kind != "CAST":
        scale = quantization_of(op, result if op.kind == "QUANTIZE" else source)
        fields |= {"scale": float(scale.scale[0]), "zero": scale.zero_point[0]}
    return Step(op.name, kernel, (source.name,), result.name, fields)


def _factor(op: Op, source: Tensor, result: Tensor) -> Fields:
    """Return the factor from one scale to another. Source: `Prepare` in tflite/kernels/quantize.cc."""
    given, made = quantization_of(op, source), quantization_of(op, result)
    multiplier, shift = quantize_multiplier(float(given.scale[0]) / float(made.scale[0]))
    return {
        "in_zero": given.zero_point[0],
        "multiplier": multiplier,
        "shift": shift,
        "out_zero": made.zero_point[0],
    }
