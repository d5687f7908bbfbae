"""Operators that change each 16-bit value by itself: lines through zero, the sigmoid, and functions in intervals."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from edgetool.embed.arithmetic.interpolation import sigmoid_table
from edgetool.embed.arithmetic.rescale import activation_range, float_factor, quantize_multiplier
from edgetool.embed.ops.checks import INTEGER_MODEL, output_of, quantization_of, require
from edgetool.embed.program import Fields, Step
from edgetool.ir.graph import Graph, Op, Tensor

__all__ = ["WIDE_UNARY", "lower_wide_unary"]

#: What LiteRT asks of the output of LOGISTIC and TANH.
SCALE = 1.0 / 32768.0

#: Intervals of the sigmoid's table to a step of 1/4096, and from where multipliers leave 32 bits.
FINE_STEPS, LARGEST_MULTIPLIER = 3, 1 << 16

#: Operators that are a table of 512 intervals in LiteRT.
FUNCTIONS = frozenset({"EXP", "GELU", "LOG", "RSQRT"})

#: Those of them that LiteRT refuses values below zero for.
NOT_BELOW_ZERO = frozenset({"RSQRT"})


def lower_wide_unary(op: Op, graph: Graph) -> Step:
    """Return the call.

    Raises:
        UnsupportedModelError: no 16-bit kernel in LiteRT; zero points; an output of another scale.
    """
    source, result = graph.tensors[op.inputs[0]], output_of(op, graph)
    require(
        op.kind in WIDE_UNARY and (source.dtype, result.dtype) == ("int16", "int16"),
        op,
        what=f"{op.kind} of {source.dtype} to {result.dtype}",
        expected=f"float32, int8, or in 16 bits one of {', '.join(sorted(WIDE_UNARY))}",
        next_step=INTEGER_MODEL,
    )
    for tensor in (source, result):
        zero = quantization_of(op, tensor).zero_point[0]
        require(zero == 0, op, what=f"{tensor.name} with zero point {zero}", expected="0, as 16-bit tensors have")
    kernel, fields = WIDE_UNARY[op.kind](op, source, result)
    fields = {**fields, "num_elements": result.num_elements}
    return Step(op.name, kernel, (source.name,), result.name, fields, overwrites=(0,))


def _lines(op: Op, source: Tensor, result: Tensor) -> tuple[str, Fields]:
    """One factor above zero and one below it.

    LiteRT divides scales in single precision here, and for QUANTIZE in double. Source: `ReluPrepare` and
    `LeakyReluPrepare` in tflite/kernels/activations.cc, `Prepare` in quantize.cc, elementwise.cc for ABS.
    """
    given, made = quantization_of(op, source).scale[0], quantization_of(op, result).scale[0]
    above = float(given) / float(made) if op.kind == "QUANTIZE" else float_factor(given, 1.0, made)
    below = above
    if op.kind == "LEAKY_RELU":
        below = float_factor(given, float(op.attributes.get("alpha", 0.0)), made)
    multiplier, shift = quantize_multiplier(above)
    multiplier_below, shift_below = quantize_multiplier(below)
    low, high = activation_range(
        op.kind if op.kind in ("RELU", "RELU6") else "NONE", quantization_of(op, result), "int16"
    )
    return "slopes_s16", {
        "multiplier": multiplier,
        "shift": shift,
        "shift_below": shift_below,
        "low": low,
        "high": high,
        "multiplier_below": -multiplier_below if op.kind == "ABS" else multiplier_below,
    }


def _sigmoid(op: Op, source: Tensor, result: Tensor) -> tuple[str, Fields]:
    """The input as steps of the sigmoid's table. Source: `TanhPrepare` and `SigmoidPrepare` in activations.cc.

    Of scales 2^-12, and for TANH 2^-11, the steps are whole; other scales are multiplied and rounded.
    """
    found = quantization_of(op, result).scale[0]
    require(found == SCALE, op, what=f"an output of scale {found:g}", expected="1/32768", next_step="export it again")
    scale = float(quantization_of(op, source).scale[0])
    power = round(math.log2(scale))
    if abs(math.log2(scale) - power) < 1e-3 and power in ((-12, -11) if op.kind == "TANH" else (-12,)):
        multiplier, shift = FINE_STEPS << (power + 12), 0
    else:
        factor, shift = scale * 4096.0 * FINE_STEPS, 0
        while factor <= 32767.0 / 2.0 and shift <= 30:
            factor, shift = factor * 2.0, shift + 1
        multiplier = int(factor)
    require(
        multiplier < LARGEST_MULTIPLIER,
        op,
        what=f"an input of scale {scale:g}",
        expected="values below 170,000",
        next_step="export the model with calibration data that is like what it will see",
    )
    return f"{op.kind.lower()}_s16", {"table": sigmoid_table(), "multiplier": multiplier, "shift": shift}


def _function(op: Op, _source: Tensor, _result: Tensor) -> tuple[str, Fields]:
    """The table is still empty: `edgetool.embed.arithmetic.tables` has LiteRT's reference kernel fill it."""
    lowest = 0 if op.kind in NOT_BELOW_ZERO else -32768
    return "interpolate_s16", {"table": np.zeros(0, np.int16), "lowest": lowest}


#: Operator -> what gives its kernel and parameters.
WIDE_UNARY: dict[str, Callable[[Op, Tensor, Tensor], tuple[str, Fields]]] = {
    **dict.fromkeys(("ABS", "LEAKY_RELU", "QUANTIZE", "RELU", "RELU6"), _lines),
    **dict.fromkeys(("LOGISTIC", "TANH"), _sigmoid),
    **dict.fromkeys(sorted(FUNCTIONS), _function),
}
