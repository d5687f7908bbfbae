"""Multiply-accumulates of one inference, operator by operator, from shapes alone."""

from __future__ import annotations

import math
from collections.abc import Callable

from edgetool.ir.graph import Graph, Op

__all__ = ["op_macs", "weight_inputs"]

#: Operator -> positions of its weights among its inputs.
_WEIGHTS: dict[str, tuple[int, ...]] = {
    "CONV_2D": (1,), "DEPTHWISE_CONV_2D": (1,), "FULLY_CONNECTED": (1,), "TRANSPOSE_CONV": (1,), "CONV_3D": (1,),
    "BATCH_MATMUL": (1,), "UNIDIRECTIONAL_SEQUENCE_LSTM": tuple(range(1, 9)), "EMBEDDING_LOOKUP": (1,),
    "Conv": (1,), "ConvTranspose": (1,), "Gemm": (1,), "MatMul": (1,), "ConvInteger": (1,), "MatMulInteger": (1,),
    "QLinearConv": (3,), "QLinearMatMul": (3,), "LSTM": (1, 2), "GRU": (1, 2), "RNN": (1, 2),
    "DynamicQuantizeMatMul": (1,), "FusedMatMul": (1,), "FusedConv": (1,),
}  # fmt: skip


def weight_inputs(op: Op) -> tuple[str, ...]:
    """Return the names of the tensors that hold the operator's weights; empty for operators without any."""
    return tuple(op.inputs[i] for i in _WEIGHTS.get(op.kind, ()) if i < len(op.inputs) and op.inputs[i])


def op_macs(graph: Graph, op: Op) -> int:
    """Return the multiply-accumulates of `op`; 0 for operators that only move or combine elements."""
    if op.kind not in _WEIGHTS or not op.outputs:
        return 0
    shapes = [_shape(graph, name) for name in op.inputs]
    output = _shape(graph, op.outputs[0])
    weights = [_shape(graph, name) for name in weight_inputs(op)]
    if not output or not weights or not all(weights):
        return 0
    return _FORMULAS[op.kind](shapes, weights, output)


def _shape(graph: Graph, name: str) -> tuple[int, ...]:
    tensor = graph.tensors.get(name)
    return () if tensor is None else tuple(1 if size < 0 else size for size in tensor.shape)


Shapes = list[tuple[int, ...]]


def _conv(_: Shapes, weights: Shapes, output: tuple[int, ...]) -> int:
    """Output elements times the elements of one filter (first axis: filters, in OHWI and OIHW alike)."""
    return math.prod(output) * math.prod(weights[0][1:])


def _depthwise(_: Shapes, weights: Shapes, output: tuple[int, ...]) -> int:
    """Weights are [1, H, W, O]: one HxW window an output element."""
    return math.prod(output) * math.prod(weights[0][1:3])


def _dense(_: Shapes, weights: Shapes, output: tuple[int, ...]) -> int:
    """Weights are [O, I]."""
    return math.prod(output) * weights[0][-1]


def _matmul(_: Shapes, weights: Shapes, output: tuple[int, ...]) -> int:
    """Output elements times the inner dimension, found from the weights' size."""
    columns = output[-1] if output[-1] in weights[0][-2:] else weights[0][-1]
    return math.prod(output) * (math.prod(weights[0][-2:]) // max(1, columns))


def _transposed(inputs: Shapes, weights: Shapes, _: tuple[int, ...]) -> int:
    """Input elements times what each spreads to: TFLite OHWI weights, the data is input 2."""
    return math.prod(inputs[2]) * math.prod(weights[0][:3]) if len(inputs) > 2 else 0


def _onnx_transposed(inputs: Shapes, weights: Shapes, _: tuple[int, ...]) -> int:
    """ONNX IOHW weights, the data is input 0."""
    return math.prod(inputs[0]) * math.prod(weights[0][1:])


def _recurrent_tflite(inputs: Shapes, weights: Shapes, _: tuple[int, ...]) -> int:
    """Every weight once a time step; input [B, T, I]."""
    steps = math.prod(inputs[0][:2]) if len(inputs[0]) == 3 else 1
    return steps * sum(math.prod(shape) for shape in weights)


def _recurrent_onnx(inputs: Shapes, weights: Shapes, _: tuple[int, ...]) -> int:
    """Every weight once a time step; input [T, B, I]."""
    return math.prod(inputs[0][:2]) * sum(math.prod(shape) for shape in weights)


def _nothing(_: Shapes, weights: Shapes, output: tuple[int, ...]) -> int:  # noqa: ARG001 - one signature for all
    return 0


_FORMULAS: dict[str, Callable[[Shapes, Shapes, tuple[int, ...]], int]] = {
    "CONV_2D": _conv, "CONV_3D": _conv, "Conv": _conv, "ConvInteger": _conv, "QLinearConv": _conv, "FusedConv": _conv,
    "DEPTHWISE_CONV_2D": _depthwise, "FULLY_CONNECTED": _dense,
    "BATCH_MATMUL": _matmul, "Gemm": _matmul, "MatMul": _matmul, "MatMulInteger": _matmul, "QLinearMatMul": _matmul,
    "DynamicQuantizeMatMul": _matmul, "FusedMatMul": _matmul,
    "TRANSPOSE_CONV": _transposed, "ConvTranspose": _onnx_transposed,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": _recurrent_tflite, "LSTM": _recurrent_onnx, "GRU": _recurrent_onnx,
    "RNN": _recurrent_onnx, "EMBEDDING_LOOKUP": _nothing,
}  # fmt: skip
