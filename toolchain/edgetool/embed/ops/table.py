"""Operators that change each int8 value by itself: a table of 256 answers, whatever the operator computes."""

from __future__ import annotations

import dataclasses

import numpy as np

from edgetool.embed.ops.checks import output_of, quantization_of, require, require_int8
from edgetool.embed.program import Step
from edgetool.ir.graph import Graph, Op

__all__ = ["lower_rescaled", "lower_table"]


def lower_table(op: Op, graph: Graph) -> Step:
    """Return the call, its table still empty: `edgetool.embed.arithmetic.tables` has LiteRT's reference kernel fill it.

    Raises:
        UnsupportedModelError: other types.
    """
    source, result = graph.tensors[op.inputs[0]], output_of(op, graph)
    require_int8(op, source, result)
    for tensor in (source, result):
        quantization_of(op, tensor)
    require(
        source.num_elements == result.num_elements,
        op,
        what=f"{list(source.shape)} -> {list(result.shape)}",
        expected="one value out for one in",
    )
    return Step(
        layer=op.name,
        kernel="table_s8",
        inputs=(source.name,),
        output=result.name,
        fields={"num_elements": result.num_elements, "table": np.zeros(0, np.int8)},
        overwrites=(0,),
    )


def lower_rescaled(op: Op, graph: Graph) -> Step:
    """Return the call of RESCALED_BYTES, with the table of `ConcatenationWithScaling`.

    Source: tflite/kernels/internal/reference/concatenation.h, which computes in single precision.
    """
    step = lower_table(op, graph)
    given, made = (quantization_of(op, graph.tensors[name]) for name in (op.inputs[0], op.outputs[0]))
    scale = np.float32(given.scale[0]) * (np.float32(1.0) / np.float32(made.scale[0]))
    # Zero points as the file has them, of unsigned bytes.
    bias = np.float32(-(given.zero_point[0] + 128)) * scale
    exact = np.arange(256, dtype=np.float32) * scale + bias
    rounded = np.trunc(exact + np.copysign(np.float32(0.5), exact))
    table = np.clip(rounded + (made.zero_point[0] + 128), 0, 255) - 128
    return dataclasses.replace(step, fields={**step.fields, "table": table.astype(np.int8)})
