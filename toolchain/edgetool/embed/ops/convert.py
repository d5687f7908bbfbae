"""QUANTIZE, DEQUANTIZE and CAST: from one type to another."""

from __future__ import annotations

from edgetool.embed.ops.checks import output_of, quantization_of, require
from edgetool.embed.ops.table import lower_table
from edgetool.embed.program import Fields, Step
from edgetool.ir.graph import Graph, Op

__all__ = ["lower_convert"]

#: Operator, type in front and behind -> kernel.
KERNELS = {
    ("QUANTIZE", "float32", "int8"): "quantize_f32_s8",
    ("QUANTIZE", "float32", "int16"): "quantize_f32_s16",
    ("DEQUANTIZE", "int8", "float32"): "dequantize_s8_f32",
    ("DEQUANTIZE", "int16", "float32"): "dequantize_s16_f32",
    ("CAST", "int32", "float32"): "cast_s32_f32",
}


def lower_convert(op: Op, graph: Graph) -> Step:
    """Return the call; from int8 to int8 is a table.

    Raises:
        UnsupportedModelError: types without a kernel.
    """
    source, result = graph.tensors[op.inputs[0]], output_of(op, graph)
    if (source.dtype, result.dtype) == ("int8", "int8"):
        return lower_table(op, graph)
    kernel = KERNELS.get((op.kind, source.dtype, result.dtype))
    require(
        kernel is not None, op, what=f"{source.dtype} to {result.dtype}",
        expected=", ".join(sorted(f"{a} to {b}" for kind, a, b in KERNELS if kind == op.kind)) or "another operator",
    )  # fmt: skip
    assert kernel is not None
    fields: Fields = {"num_elements": result.num_elements}
    if op.kind != "CAST":
        scale = quantization_of(op, result if op.kind == "QUANTIZE" else source)
        fields |= {"scale": float(scale.scale[0]), "zero": scale.zero_point[0]}
    return Step(op.name, kernel, (source.name,), result.name, fields)
