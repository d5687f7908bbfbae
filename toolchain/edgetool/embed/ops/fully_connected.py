"""FULLY_CONNECTED in int8 and float32."""

from __future__ import annotations

import numpy as np

from edgetool.embed.arithmetic.rescale import layer_factors, quantize_multipliers
from edgetool.embed.ops.checks import (
    bias_of,
    fused_range,
    output_of,
    quantization_of,
    suffix_of,
    weights_of,
)
from edgetool.embed.ops.float_layer import float_layer
from edgetool.embed.ops.hybrid_layer import hybrid_layer, is_hybrid
from edgetool.embed.ops.weight_zero import centred_weights, with_weight_zero
from edgetool.embed.ops.wide_layer import wide_layer
from edgetool.embed.program import Fields, Step
from edgetool.ir.graph import Graph, Op

__all__ = ["lower_fully_connected"]


def lower_fully_connected(op: Op, graph: Graph) -> Step:
    """Return the call; the input's zero point goes into the biases, and one scale for all is stored once.

    LiteRT rounds once here, where convolutions round twice, and looks at the weights' zero point.

    Raises:
        UnsupportedModelError: other types, weights that are no constant.
    """
    source, result = graph.tensors[op.inputs[0]], output_of(op, graph)
    suffix = suffix_of(op, ("float32", "int8", "int16"), source, result)
    is_mixed = suffix == "f32" and is_hybrid(op, graph)
    weights = weights_of(op, graph, "int8" if is_mixed else source.dtype)
    num_outputs, num_inputs = (int(size) for size in weights.shape)
    num_rows = source.num_elements // num_inputs
    sizes: Fields = {"num_rows": num_rows, "num_inputs": num_inputs, "num_outputs": num_outputs}
    if suffix != "s8":
        make = hybrid_layer if is_mixed else (float_layer if suffix == "f32" else wide_layer)
        return make(op, graph, "fully_connected", weights, num_outputs, sizes)
    given, made = quantization_of(op, source), quantization_of(op, result)
    kernel = quantization_of(op, graph.tensors[op.inputs[1]])
    weights, weight_zero = centred_weights(op, graph, weights, has_zero=True)
    factors = layer_factors(given, kernel, made, num_outputs, single=len(kernel.scale) == 1)
    is_one = len(set(factors)) == 1
    multipliers, shifts = quantize_multipliers(factors[:1] if is_one else factors)
    low, high = fused_range(op, result)
    biases = bias_of(op, graph, num_outputs).astype(np.int64)
    biases -= given.zero_point[0] * (weights.astype(np.int64) - weight_zero).sum(axis=1)
    step = Step(
        layer=op.name,
        kernel="fully_connected_s8",
        inputs=(source.name,),
        output=result.name,
        fields={
            **sizes,
            "scale_step": 0 if is_one else 1,
            "out_zero": made.zero_point[0],
            "low": low,
            "high": high,
            "weights": weights,
            "biases": biases.astype(np.int32),
            "multipliers": multipliers,
            "shifts": shifts,
        },
    )

    return with_weight_zero(step, weight_zero, "layer")
