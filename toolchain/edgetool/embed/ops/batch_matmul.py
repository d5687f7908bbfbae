"""BATCH_MATMUL of two activations, as attention has it, or of an activation and a constant."""

from __future__ import annotations

import math

from edgetool.embed.arithmetic.rescale import float_factor, quantize_multiplier
from edgetool.embed.ops.checks import output_of, quantization_of, require, suffix_of
from edgetool.embed.program import Fields, Step
from edgetool.ir.graph import Graph, Op

__all__ = ["lower_batch_matmul"]


def lower_batch_matmul(op: Op, graph: Graph) -> Step:
    """Return the call; transposed operands are read where they lie.

    Source of the factor: `GetQuantizedConvolutionMultipler` in tflite/kernels/kernel_util.cc.

    Raises:
        UnsupportedModelError: other types, or batches that repeat other than as a whole.
    """
    first, second = (graph.tensors[name] for name in op.inputs)
    result = output_of(op, graph)
    suffix = suffix_of(op, ("float32", "int8", "int16"), first, second, result)
    rows, columns = result.shape[-2:]
    is_a_turned, is_b_turned = bool(op.attributes.get("adj_x", False)), bool(op.attributes.get("adj_y", False))
    depth = first.shape[-2] if is_a_turned else first.shape[-1]
    num_batches = math.prod(result.shape[:-2])
    shape: Fields = {
        "num_batches": num_batches,
        "rows": rows,
        "depth": depth,
        "columns": columns,
        "repeat_a": _repeats(op, first.shape[:-2], result.shape[:-2]),
        "repeat_b": _repeats(op, second.shape[:-2], result.shape[:-2]),
        "a_row": 1 if is_a_turned else depth,
        "a_depth": rows if is_a_turned else 1,
        "b_depth": 1 if is_b_turned else columns,
        "b_column": depth if is_b_turned else 1,
    }
    fields: Fields = {"shape": shape}
    if suffix != "f32":
        a, b, made = (quantization_of(op, tensor) for tensor in (first, second, result))
        multiplier, shift = quantize_multiplier(float_factor(a.scale[0], b.scale[0], 1.0) / float(made.scale[0]))
        zeros = {"zero_0": a.zero_point[0], "zero_1": b.zero_point[0], "out_zero": made.zero_point[0]}
        require(
            suffix == "s8" or not any(zeros.values()),
            op,
            what=f"zero points {list(zeros.values())}",
            expected="0, as 16-bit tensors have",
        )
        fields |= {"multiplier": multiplier, "shift": shift, **(zeros if suffix == "s8" else {})}
    return Step(op.name, f"batch_matmul_{suffix}", (first.name, second.name), result.name, fields)


def _repeats(op: Op, batches: tuple[int, ...], result: tuple[int, ...]) -> int:
    """Return how many batches in turn take one matrix of an operand."""
    given, wanted = math.prod(batches), max(1, math.prod(result))
    full = (1,) * (len(result) - len(batches)) + batches
    head = next((axis for axis, size in enumerate(full) if size != result[axis]), len(full))
    require(
        all(size == 1 for size in full[head:]),
        op,
        what=f"batches {list(batches)} for {list(result)}",
        expected="operands that repeat along their last batch axes alone",
        next_step="repeat the operand before",
    )
    return wanted // max(1, given)
