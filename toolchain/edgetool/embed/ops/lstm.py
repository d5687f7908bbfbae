"""UNIDIRECTIONAL_SEQUENCE_LSTM in float32, and in int8 with a state of 16 bits."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from edgetool.data.dataset import Array
from edgetool.embed.arithmetic.rescale import quantize_multiplier, quantize_multipliers
from edgetool.embed.ops.checks import LARGEST, constant_of, output_of, quantization_of, require, suffix_of
from edgetool.embed.program import Fields, Step
from edgetool.ir.graph import Graph, Op, Quantization

__all__ = ["lower_lstm"]

#: Inputs of the operator: weights of four gates, the same for the state, peepholes, biases, projection, normalisation.
INPUT_WEIGHTS, RECURRENT_WEIGHTS, BIASES = range(1, 5), range(5, 9), range(12, 16)
OTHERS = (*range(9, 12), 16, 17, *range(20, 24))

#: The output of the step before, and the cells' state.
HIDDEN, STATE = 18, 19

#: Which of the intermediate tensors has the output's scale.
HIDDEN_SCALE = 4

#: What gates' sums are in steps of, as a binary logarithm.
GATE_LOG2 = -12

#: Integer bits of the state that LiteRT's 16-bit tanh is there for.
STATE_BITS = range(7)

#: Sums, and what they are rescaled to, stay below it: then nothing leaves 32 bits.
LARGEST_SUM = 1 << 30

FLOAT_FILE = "embed the float32 file of the model: C has its LSTM too"


def lower_lstm(op: Op, graph: Graph) -> Step:
    """Return the call. Every run is a sequence of its own and starts from zeros; an interpreter keeps the state.

    Source of the order of inputs: tflite/kernels/lstm_shared.h.

    Raises:
        UnsupportedModelError: other types; peepholes, projection, normalisation or coupled gates; another activation;
            several sequences at once; in int8, scales that LiteRT's kernel does not compute rightly with.
    """
    source, result = graph.tensors[op.inputs[0]], output_of(op, graph)
    suffix = suffix_of(op, ("float32", "int8"), source, result)
    extra = [index for index in OTHERS if index < len(op.inputs) and op.inputs[index]]
    absent = [index for index in INPUT_WEIGHTS if not op.inputs[index]]
    activation = str(op.attributes.get("fused_activation_function", "NONE"))
    require(
        not extra and not absent and activation == "TANH",
        op,
        what=f"activation {activation}, inputs {extra}, inputs {absent} absent",
        expected="tanh, four gates, and no peepholes, projection or normalisation",
        next_step="use a plain LSTM layer, or embed the file for an interpreter: --runtime array",
    )
    num_sequences = source.shape[1 if op.attributes.get("time_major") else 0]
    require(num_sequences == 1, op, what=f"{num_sequences} sequences at once", expected="one")
    is_float = suffix == "f32"
    weights, recurrent = (_joined(op, graph, group, source.dtype) for group in (INPUT_WEIGHTS, RECURRENT_WEIGHTS))
    biases = _joined(op, graph, BIASES, "float32" if is_float else "int32")
    num_cells, num_inputs = len(biases) // 4, source.shape[-1]
    num_steps = source.num_elements // num_inputs
    num_rows = 4 * num_cells
    shapes = [(num_rows, num_inputs), (num_rows, num_cells), (num_rows,), num_steps * num_cells]
    found = [weights.shape, recurrent.shape, biases.shape, result.num_elements]
    require(found == shapes, op, what=f"weights, biases and output of {found}", expected=f"{shapes}")
    clip = float(op.attributes.get("cell_clip", 0.0))
    inner: Fields = {"biases": biases, "clip": clip if clip > 0 else LARGEST}
    return Step(
        layer=op.name,
        kernel=f"lstm_{suffix}",
        inputs=(source.name,),
        output=result.name,
        fields={
            "input_weights": weights,
            "recurrent_weights": recurrent,
            "num_steps": num_steps,
            "num_inputs": num_inputs,
            "num_cells": num_cells,
            **(inner if is_float else _integer_fields(op, graph, (weights, recurrent, biases), clip)),
        },
        has_scratch=True,
        scratch_bytes=5 * num_cells * (4 if is_float else 2),
    )


def _joined(op: Op, graph: Graph, group: Sequence[int], dtype: str) -> Array:
    """Return the constants of four gates, one behind the other."""
    return np.concatenate([constant_of(op, graph, index, dtype) for index in group])


def _integer_fields(op: Op, graph: Graph, constants: tuple[Array, Array, Array], clip: float) -> Fields:
    """Return biases without zero points, and how sums become gates, the state and the output.

    Source: `PopulateQuantizedLstmParams8x8_16` in tflite/kernels/unidirectional_sequence_lstm.cc, with its types:
    factors are rounded to float32.
    """
    weights, recurrent, biases = constants
    require(
        len(op.intermediates) > HIDDEN_SCALE and len(op.inputs) > STATE,
        op,
        what=f"{len(op.intermediates)} intermediate tensors",
        expected="five, the last of the output's scale",
        next_step="export the model again with a current converter",
    )
    source, before, state, hidden = (
        quantization_of(op, graph.tensors[name])
        for name in (op.inputs[0], op.inputs[HIDDEN], op.inputs[STATE], op.intermediates[HIDDEN_SCALE])
    )
    bits = 15 + round(math.log2(state.scale[0]))
    require(
        state.scale[0] == 2.0 ** (bits - 15) and bits in STATE_BITS,
        op,
        what=f"a state of scale {state.scale[0]:g}",
        expected="2^-15 to 2^-9: LiteRT computes no tanh for others",
        next_step=FLOAT_FILE,
    )
    factor = float(np.float32(2.0**-30 / hidden.scale[0]))
    require(
        factor < 1.0, op, what=f"an output of scale {hidden.scale[0]:g}", expected="above 2^-30", next_step=FLOAT_FILE
    )
    multiplier, shift = quantize_multiplier(factor)
    limit = int(min(float(np.float32(clip) / np.float32(state.scale[0])), 32767.0))
    return {
        **_sum_fields(op, graph, INPUT_WEIGHTS, source, weights, biases, "input"),
        **_sum_fields(op, graph, RECURRENT_WEIGHTS, before, recurrent, np.zeros_like(biases), "recurrent"),
        "state_bits": bits,
        "low": -limit if limit > 0 else -32768,
        "high": limit if limit > 0 else 32767,
        "out_multiplier": multiplier,
        "out_shift": shift,
        "out_zero": hidden.zero_point[0],
    }


def _sum_fields(
    op: Op, graph: Graph, group: Sequence[int], source: Quantization, weights: Array, biases: Array, name: str
) -> Fields:
    """Return biases `[4 * C]`, multipliers `[4]` and shifts `[4]` of the gates' sums over one vector."""
    kernels = [quantization_of(op, graph.tensors[op.inputs[index]]) for index in group]
    is_plain = all(len(kernel.scale) == 1 and not any(kernel.zero_point) for kernel in kernels)
    require(is_plain, op, what="weights with zero points or many scales", expected="one scale a gate")
    products = [np.float32(kernel.scale[0]) * np.float32(source.scale[0]) for kernel in kernels]
    factors = [float(np.ldexp(product, -GATE_LOG2)) for product in products]
    folded = biases.astype(np.int64) - source.zero_point[0] * weights.sum(axis=1, dtype=np.int64)
    sums = np.abs(folded) + 128 * np.abs(weights.astype(np.int64)).sum(axis=1)
    largest = float((sums.reshape(4, -1).max(axis=1) * np.maximum(factors, 1.0)).max())
    require(
        largest < LARGEST_SUM,
        op,
        what=f"{name} sums of up to {largest:.3g}",
        expected="less than 2^30 = 1.07e9",
        next_step="scale the inputs of the model to about -1 to 1, and export it again",
    )
    multipliers, shifts = quantize_multipliers(factors)
    return {
        f"{name}_biases": folded.astype(np.int32),
        f"{name}_multipliers": multipliers,
        f"{name}_shifts": shifts,
    }
