"""SVDF: a layer with a memory of its last inputs, in int8 and float32."""

from __future__ import annotations

import numpy as np

from edgetool.embed.arithmetic.rescale import float_factor, quantize_multiplier
from edgetool.embed.ops.checks import (
    bias_of,
    constant_of,
    float_range,
    output_of,
    quantization_of,
    require,
    suffix_of,
)
from edgetool.embed.program import Fields, Step
from edgetool.ir.graph import Graph, Op, Tensor

__all__ = ["lower_svdf"]

#: Which inputs the bias and the state are.
BIAS, STATE = 3, 4


def lower_svdf(op: Op, graph: Graph) -> Step:
    """Return the call, which keeps its state from run to run.

    Source: `Prepare` in tflite/kernels/svdf.cc and `EvalIntegerSVDF` in tflite/kernels/internal/reference/svdf.h.

    Raises:
        UnsupportedModelError: other types, among them int8 weights with float activations; weights that are no
            constant; several inputs at once.
    """
    source, result, state = graph.tensors[op.inputs[0]], output_of(op, graph), graph.tensors[op.inputs[STATE]]
    suffix = suffix_of(op, ("float32", "int8"), source, result)
    features = constant_of(op, graph, 1, source.dtype)
    ages = constant_of(op, graph, 2, state.dtype)
    num_filters, num_inputs = (int(size) for size in features.shape)
    rank = int(op.attributes.get("rank", 1))
    require(
        source.num_elements == num_inputs and num_filters % rank == 0,
        op,
        what=f"an input of {list(source.shape)}, {num_filters} filters of rank {rank}",
        expected=f"one row of {num_inputs} and a multiple of the rank",
        next_step="export the model with a batch of 1",
    )
    sizes: Fields = {
        "num_inputs": num_inputs,
        "num_filters": num_filters,
        "num_steps": int(ages.shape[1]),
        "rank": rank,
    }
    num_units = num_filters // rank
    if suffix == "f32":
        low, high = float_range(op)
        biases = bias_of(op, graph, num_units, "float32", index=BIAS)
        fields: Fields = {
            **sizes,
            "feature_weights": features,
            "time_weights": ages,
            "biases": biases,
            "low": low,
            "high": high,
        }
        return Step(op.name, "svdf_f32", (source.name,), result.name, fields, state=state.name)
    require(
        state.dtype == "int16",
        op,
        what=f"a state of {state.dtype}",
        expected="int16, for which LiteRT takes every state: it writes behind one of int8 and dies",
        next_step="export the model with a state of 16 bits, or embed it for TFLite Micro: --runtime tflm",
    )
    fields = {**sizes, **_integer_fields(op, graph, source, result, state), "time_weights": ages}
    zero = quantization_of(op, source).zero_point[0]
    fields["feature_weights"] = features
    fields["feature_biases"] = (-zero * features.sum(axis=1, dtype=np.int64)).astype(np.int32)
    fields["biases"] = bias_of(op, graph, num_units, index=BIAS)
    return Step(op.name, "svdf_s8", (source.name,), result.name, fields, state=state.name)


def _integer_fields(op: Op, graph: Graph, source: Tensor, result: Tensor, state: Tensor) -> Fields:
    """Return both factors. The fused activation is not looked at: LiteRT's kernel keeps within int8 alone."""
    given, made, kept = (quantization_of(op, tensor) for tensor in (source, result, state))
    features, ages = (quantization_of(op, graph.tensors[op.inputs[index]]) for index in (1, 2))
    into = quantize_multiplier(float_factor(given.scale[0], features.scale[0], kept.scale[0]))
    out = quantize_multiplier(float_factor(kept.scale[0], ages.scale[0], made.scale[0]))
    return {
        "state_multiplier": into[0],
        "state_shift": into[1],
        "out_multiplier": out[0],
        "out_shift": out[1],
        "out_zero": made.zero_point[0],
        "low": -128,
        "high": 127,
    }
