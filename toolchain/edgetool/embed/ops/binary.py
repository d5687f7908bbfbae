"""Operators of two inputs, element by element, where one may be repeated along axes or be a constant."""

from __future__ import annotations

import math
from collections.abc import Callable

from edgetool.embed.arithmetic.rescale import float_factor, quantize_multiplier
from edgetool.embed.ops.checks import (
    INTEGER_MODEL,
    float_range,
    fused_range,
    output_of,
    quantization_of,
    require,
    suffix_of,
)
from edgetool.embed.ops.shapes import broadcast_fields
from edgetool.embed.program import Fields, Step
from edgetool.ir.graph import Graph, Op, Tensor

__all__ = ["lower_binary", "sum_scales"]

#: Bits that the inputs of sums and differences are shifted up by, so that rescaling loses little.
#: Source: `Prepare` in tflite/kernels/add.cc and squared_difference.cc.
SUM_SHIFT, WIDE_SUM_SHIFT, SQUARE_SHIFT = 20, 15, 7

#: Operators with a kernel for 16-bit activations.
WIDE = frozenset({"ADD", "MAXIMUM", "MINIMUM", "MUL", "SUB"})

#: Operators with a kernel for plain integers of 32 bits.
PLAIN = frozenset({"ADD", "DIV", "FLOOR_DIV", "FLOOR_MOD", "MAXIMUM", "MINIMUM", "MUL", "SUB"})

#: Operators whose kernel has another name than the operator.
NAMES = {"ADD": "broadcast_add"}

#: Fused activation -> what it lets through of plain integers.
PLAIN_RANGES = {
    "NONE": (-(1 << 31), (1 << 31) - 1),
    "RELU": (0, (1 << 31) - 1),
    "RELU6": (0, 6),
    "RELU_N1_TO_1": (-1, 1),
}


def lower_binary(op: Op, graph: Graph) -> Step:
    """Return the call.

    Raises:
        UnsupportedModelError: other types, or shapes that do not broadcast.
    """
    first, second = (graph.tensors[name] for name in op.inputs)
    result = output_of(op, graph)
    suffix = suffix_of(op, _types(op), first, second, result)
    fields: Fields = {"shape": broadcast_fields(op, first.shape, second.shape, result.shape)}
    name = op.kind.lower()
    if suffix == "f32":
        low, high = float_range(op)
        fields |= {} if op.kind == "PRELU" else {"low": low, "high": high}
    elif suffix == "s32":
        low, high = PLAIN_RANGES[str(op.attributes.get("fused_activation_function", "NONE"))]
        fields |= {"low": low, "high": high}
    else:
        require(
            suffix == "s8" or op.kind in WIDE,
            op,
            what="16-bit activations",
            expected=f"one of {', '.join(sorted(WIDE))}",
            next_step=INTEGER_MODEL,
        )
        fields |= (WIDE_FIELDS if suffix == "s16" else INTEGER_FIELDS)[op.kind](op, first, second, result)
        name = NAMES.get(op.kind, name)
    sides = tuple(side for side, given in enumerate((first, second)) if given.shape == result.shape)
    return Step(
        layer=op.name,
        kernel=f"{name}_{suffix}",
        inputs=(first.name, second.name),
        output=result.name,
        fields=fields,
        overwrites=sides,
    )


def _types(op: Op) -> tuple[str, ...]:
    quantized = ("int8", "int16") if op.kind in INTEGER_FIELDS else ()
    return ("float32", *quantized, *(("int32",) if op.kind in PLAIN else ()))


def sum_scales(op: Op, first: Tensor, second: Tensor, result: Tensor) -> Fields:
    """Return the fields of `sum_s8_scales_t` for sums, differences and their squares.

    Source of the scaling: `Prepare` in tflite/kernels/add.cc, sub.cc and squared_difference.cc.
    """
    is_square = op.kind == "SQUARED_DIFFERENCE"
    _require_general_scales(op, first, second, result)
    left_shift = SQUARE_SHIFT if is_square else (SUM_SHIFT if result.dtype == "int8" else WIDE_SUM_SHIFT)
    scales = [float(quantization_of(op, tensor).scale[0]) for tensor in (first, second)]
    twice = 2.0 * max(scales)
    made = quantization_of(op, result)
    low, high = fused_range(op, result)
    found: Fields = {"left_shift": left_shift}
    for index, (tensor, scale) in enumerate(zip((first, second), scales, strict=True)):
        multiplier, shift = quantize_multiplier(scale / twice)
        found |= {
            f"zero_{index}": quantization_of(op, tensor).zero_point[0],
            f"multiplier_{index}": multiplier,
            f"shift_{index}": shift,
        }
    factor = twice / ((1 << left_shift) * float(made.scale[0]))
    if is_square:
        factor = twice * twice / ((1 << 2 * left_shift) * float(made.scale[0]))
    multiplier, shift = quantize_multiplier(factor)
    return found | {
        "out_multiplier": multiplier,
        "out_shift": shift,
        "out_zero": made.zero_point[0],
        "low": low,
        "high": high,
    }


def _require_general_scales(op: Op, *tensors: Tensor) -> None:
    """Refuse the other kernel that LiteRT has for 16-bit tensors whose scales are all powers of two, of old files."""
    powers = [math.frexp(float(quantization_of(op, tensor).scale[0]))[0] == 0.5 for tensor in tensors]
    is_special = tensors[-1].dtype == "int16" and bool(op.attributes.get("pot_scale_int16", False)) and all(powers)
    require(not is_special, op, what="pot_scale_int16", expected="general scales", next_step="export the model again")


def _sum(op: Op, first: Tensor, second: Tensor, result: Tensor) -> Fields:
    return {"scales": sum_scales(op, first, second, result)}


def _product(op: Op, first: Tensor, second: Tensor, result: Tensor) -> Fields:
    a, b, made = (quantization_of(op, tensor) for tensor in (first, second, result))
    multiplier, shift = quantize_multiplier(float_factor(a.scale[0], b.scale[0], made.scale[0]))
    low, high = fused_range(op, result)
    return {
        "zero_0": a.zero_point[0],
        "zero_1": b.zero_point[0],
        "multiplier": multiplier,
        "shift": shift,
        "out_zero": made.zero_point[0],
        "low": low,
        "high": high,
    }


def _wide_product(op: Op, first: Tensor, second: Tensor, result: Tensor) -> Fields:
    fields = _product(op, first, second, result)
    zeros = [fields.pop(name) for name in ("zero_0", "zero_1", "out_zero")]
    require(not any(zeros), op, what=f"zero points {zeros}", expected="0, as 16-bit tensors have")
    return fields


def _quotient(op: Op, first: Tensor, second: Tensor, result: Tensor) -> Fields:
    a, b, made = (quantization_of(op, tensor) for tensor in (first, second, result))
    multiplier, shift = quantize_multiplier(float(a.scale[0]) / (float(b.scale[0]) * float(made.scale[0])))
    return {**_product(op, first, second, result), "multiplier": multiplier, "shift": shift}


def _prelu(op: Op, first: Tensor, second: Tensor, result: Tensor) -> Fields:
    given, slope, made = (quantization_of(op, tensor) for tensor in (first, second, result))
    multiplier, shift = quantize_multiplier(float(given.scale[0]) / float(made.scale[0]))
    product = float(given.scale[0]) * float(slope.scale[0]) / float(made.scale[0])
    slope_multiplier, slope_shift = quantize_multiplier(product)
    return {
        "zero_0": given.zero_point[0],
        "zero_1": slope.zero_point[0],
        "multiplier": multiplier,
        "shift": shift,
        "slope_multiplier": slope_multiplier,
        "slope_shift": slope_shift,
        "out_zero": made.zero_point[0],
    }


def _choice(op: Op, first: Tensor, second: Tensor, result: Tensor) -> Fields:
    scales = [quantization_of(op, tensor) for tensor in (first, second, result)]
    is_one = len({(scale.scale, scale.zero_point) for scale in scales}) == 1
    require(is_one, op, what="tensors of several scales", expected="one scale", next_step="export the model again")
    return {}


INTEGER_FIELDS: dict[str, Callable[[Op, Tensor, Tensor, Tensor], Fields]] = {
    "ADD": _sum,
    "SUB": _sum,
    "SQUARED_DIFFERENCE": _sum,
    "DIV": _quotient,
    "MUL": _product,
    "PRELU": _prelu,
    "MAXIMUM": _choice,
    "MINIMUM": _choice,
}

WIDE_FIELDS = {**INTEGER_FIELDS, "MUL": _wide_product}
