"""UNIDIRECTIONAL_SEQUENCE_LSTM in float32."""

from __future__ import annotations

import numpy as np

from edgetool.embed.ops.checks import LARGEST, constant_of, output_of, require, suffix_of
from edgetool.embed.program import Step
from edgetool.ir.graph import Graph, Op

__all__ = ["lower_lstm"]

#: Inputs of the operator: weights of four gates, the same for the state, peepholes, biases, projection, normalisation.
INPUT_WEIGHTS, RECURRENT_WEIGHTS, BIASES = range(1, 5), range(5, 9), range(12, 16)
OTHERS = (*range(9, 12), 16, 17, *range(20, 24))


def lower_lstm(op: Op, graph: Graph) -> Step:
    """Return the call. Every run is a sequence of its own and starts from zeros; an interpreter keeps the state.

    Source of the order of inputs: tflite/kernels/lstm_shared.h.

    Raises:
        UnsupportedModelError: other types; peepholes, projection, normalisation or coupled gates; another activation.
    """
    source, result = graph.tensors[op.inputs[0]], output_of(op, graph)
    suffix_of(op, ("float32",), source, result)
    extra = [index for index in OTHERS if index < len(op.inputs) and op.inputs[index]]
    activation = str(op.attributes.get("fused_activation_function", "NONE"))
    require(
        not extra and activation == "TANH" and all(op.inputs[index] for index in INPUT_WEIGHTS), op,
        what=f"activation {activation}, inputs {extra}", expected="tanh, four gates, and no peepholes or projection",
        next_step="use a plain LSTM layer",
    )  # fmt: skip
    weights, recurrent, biases = (
        np.concatenate([constant_of(op, graph, index, "float32") for index in group])
        for group in (INPUT_WEIGHTS, RECURRENT_WEIGHTS, BIASES)
    )
    num_cells, num_inputs = len(biases) // 4, int(weights.shape[1])
    clip = float(op.attributes.get("cell_clip", 0.0))
    return Step(
        layer=op.name,
        kernel="lstm_f32",
        inputs=(source.name,),
        output=result.name,
        fields={
            "input_weights": weights, "recurrent_weights": recurrent, "biases": biases,
            "num_steps": source.num_elements // num_inputs, "num_inputs": num_inputs, "num_cells": num_cells,
            "clip": clip if clip > 0 else LARGEST,
        },
        has_scratch=True, scratch_bytes=5 * num_cells * 4,
    )  # fmt: skip
