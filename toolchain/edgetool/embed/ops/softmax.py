"""SOFTMAX of int8."""

from __future__ import annotations

import numpy as np

from edgetool.embed.ops.checks import output_of, quantization_of, require, require_int8
from edgetool.embed.program import Step
from edgetool.ir.graph import Graph, Op

__all__ = ["lower_softmax"]

#: What LiteRT asks of a softmax's output: steps of 1/256 from -128.
SCALE, ZERO_POINT = 1.0 / 256.0, -128


def lower_softmax(op: Op, graph: Graph) -> Step:
    """Return the call, with a table of the exponentials of all 256 distances from the largest value.

    LiteRT's integer softmax computes with such a table in float32, under its reference kernels too
    (`PopulateSoftmaxLookupTable` in tflite/kernels/internal/optimized/optimized_ops.h).

    Raises:
        UnsupportedModelError: other types, or an output of another scale.
    """
    source, result = graph.tensors[op.inputs[0]], output_of(op, graph)
    require_int8(op, source, result)
    given, made = quantization_of(op, source), quantization_of(op, result)
    require(
        made.scale[0] == SCALE and made.zero_point[0] == ZERO_POINT, op,
        what=f"an output of scale {made.scale[0]:g}, zero point {made.zero_point[0]}", expected="1/256 and -128",
        next_step="export the model again with a current converter",
    )  # fmt: skip
    factor = np.float32(-float(np.float32(given.scale[0])) * float(op.attributes.get("beta", 1.0)))
    exponentials = np.exp(factor * np.arange(256, dtype=np.float32), dtype=np.float32)
    width = source.shape[-1]
    return Step(
        layer=op.name,
        kernel="softmax_s8",
        inputs=(source.name,),
        output=result.name,
        fields={"num_rows": source.num_elements // width, "width": width, "exponentials": exponentials},
        overwrites=(0,),
    )
