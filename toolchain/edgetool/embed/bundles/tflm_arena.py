"""How much RAM TensorFlow Lite Micro's arena is to have: a bound from above; TFLM alone knows the exact size."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from edgetool.ir.graph import Graph, Op, Tensor
from edgetool.ir.memory_plan import Life, align, place_lives
from edgetool.ir.operators import Family, family_of

__all__ = ["TflmArena", "plan_tflm_arena"]

#: What TFLM keeps beside activations, in bytes: once, for each operator, tensor and output channel of quantised
#: weights. Rounded up from the least arenas that tflite-micro 0.dev20261023182759 (64-bit pointers, reference kernels)
#: ran MLPerf Tiny's models in; 32-bit targets take less.
BASE_BYTES, OP_BYTES, TENSOR_BYTES, CHANNEL_BYTES, LSTM_BYTES = 1700, 192, 32, 8, 1200

_CONVOLUTIONS = (Family.CONVOLUTION, Family.DEPTHWISE, Family.TRANSPOSED)


@dataclass(frozen=True, slots=True)
class TflmArena:
    """The bound.

    Attributes:
        planned_bytes: activations and scratch memory, placed greedily by size as TFLM does.
        overhead_bytes: allowance for TFLM's own structures.
    """

    planned_bytes: int
    overhead_bytes: int

    @property
    def num_bytes(self) -> int:
        """The arena."""
        return self.planned_bytes + self.overhead_bytes


def plan_tflm_arena(graph: Graph) -> TflmArena:
    """Plan activations and scratch memory, of the reference kernels or of CMSIS-NN, whichever asks for more.

    No operator works in place, not even a change of shape. Buffers that other vendors' kernels ask for are not in it.
    """
    lives = _activations(graph)
    for index, op in enumerate(graph.ops):
        if scratch := _scratch_bytes(op, graph):
            lives.append(Life(f"\0scratch {index}", align(scratch), index, index))
    placed = place_lives(lives, sys.maxsize)  # the published order alone
    planned = max((placed[life.name] + life.num_bytes for life in lives), default=0)
    channels = sum(_num_channels(op, graph) for op in graph.ops)
    overhead = (
        BASE_BYTES
        + OP_BYTES * len(graph.ops)
        + TENSOR_BYTES * len(graph.tensors)
        + CHANNEL_BYTES * channels
        + sum(_kept_bytes(op, graph) for op in graph.ops)
    )
    return TflmArena(planned, align(overhead))


def _activations(graph: Graph) -> list[Life]:
    count = len(graph.ops)
    made = {name for op in graph.ops for name in op.outputs} | set(graph.inputs)
    uses: dict[str, list[int]] = {name: [-1] for name in graph.inputs}
    for index, op in enumerate(graph.ops):
        for name in (*op.inputs, *op.outputs):
            if name and graph.tensors[name].constant is None:
                uses.setdefault(name, []).append(index)
                uses[name] += [] if name in made else [-1, count]  # a state, which lives from run to run
    for name in graph.outputs:
        uses.setdefault(name, []).append(count)
    return [Life(name, align(graph.tensors[name].num_bytes), min(u), max(u)) for name, u in uses.items()]


def _scratch_bytes(op: Op, graph: Graph) -> int:
    """Return what the kernel asks for during its call.

    CMSIS-NN: `arm_convolve_s8_get_buffer_size` and `arm_depthwise_conv_s8_opt_get_buffer_size`, with MVE or without.
    """
    tensors = [graph.tensors[name] for name in op.inputs if name]
    output = graph.tensors[op.outputs[0]] if op.outputs else None
    family = family_of(op.kind)
    if family is Family.TRANSPOSED and output is not None:
        return {"int8": 4, "int16": 8}.get(output.dtype, 0) * output.num_elements  # its sums
    if op.kind in ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN") and output is not None:
        return 8 * output.num_elements
    if family is Family.PRODUCT:
        return sum(align(tensor.num_bytes) for tensor in tensors)
    if family in (Family.CONVOLUTION, Family.DEPTHWISE) and len(tensors) > 1 and tensors[0].dtype in ("int8", "int16"):
        _, height, width, channels = _four(tensors[1])
        taps = height * width
        if family is Family.CONVOLUTION:
            return 4 * (taps * channels + 8)
        return max(2 * taps * channels, 4 * 124 * taps)
    return 0


def _kept_bytes(op: Op, graph: Graph) -> int:
    """Return what a kernel keeps from run to run, beside the usual.

    CMSIS-NN with MVE: sums of a fully connected layer's weights. LSTM: parameters of four gates. Softmax of int16: two
    tables of 513 values.
    """
    if op.kind == "SOFTMAX" and graph.tensors[op.inputs[0]].dtype == "int16":
        return 2 * 2 * 513
    if op.kind == "UNIDIRECTIONAL_SEQUENCE_LSTM":
        return LSTM_BYTES
    weights = graph.tensors[op.inputs[1]] if family_of(op.kind) is Family.DENSE and len(op.inputs) > 1 else None
    return 4 * weights.shape[0] if weights is not None and weights.shape and weights.dtype == "int8" else 0


def _num_channels(op: Op, graph: Graph) -> int:
    """Return how many multipliers and shifts TFLM keeps; a fully connected layer's only where it has several scales."""
    weights = graph.tensors[op.inputs[1]] if len(op.inputs) > 1 and op.inputs[1] else None
    if weights is None or not weights.shape:
        return 0
    family = family_of(op.kind)
    if family is Family.DENSE:
        scales = weights.quantization.scale if weights.quantization else ()
        return len(scales) if len(scales) > 1 else 0
    if family not in _CONVOLUTIONS:
        return 0
    return weights.shape[-1] if family is Family.DEPTHWISE else weights.shape[0]


def _four(tensor: Tensor) -> tuple[int, ...]:
    shape = tensor.shape[-4:]
    return (1,) * (4 - len(shape)) + tuple(shape)
