"""Rewrite FULLY_CONNECTED as the CONV_2D that computes the same integer sums."""

from __future__ import annotations

import copy

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgetool.exporters.tflite.file import operator_code
from edgetool.exporters.tflite.kernels import operator_name
from edgetool.ir.operators import Family, family_of

__all__ = ["fully_connected_as_conv"]

#: Version 3 of CONV_2D: int8 with a scale for each channel (tensorflow/lite/tools/versioning/op_version.cc).
CONV_VERSION = 3


def fully_connected_as_conv(model: schema.ModelT, operator: schema.OperatorT, shape: tuple[int, ...]) -> None:
    """Turn `operator` into CONV_2D with a kernel of `shape`, which covers its whole input once; edits in place.

    The input is reshaped to `[-1, 1, W, C]`; the output `[N, 1, 1, O]` is reshaped back to `[-1, O]`, unless only
    FULLY_CONNECTED reads it, which takes any rank. The caller stores the kernel in its new shape.

    Args:
        model: with one subgraph.
        operator: int8 FULLY_CONNECTED, default weight format, output `[N, O]`.
        shape: `[O, 1, W, C]`.
    """
    graph = model.subgraphs[0]
    options = operator.builtinOptions
    place = graph.operators.index(operator)
    result = int(operator.outputs[0])
    num_rows = int(graph.tensors[result].shape[0])
    source = _reshaped(model, int(operator.inputs[0]), [num_rows, 1, *shape[2:]], b"_wide")
    inner = _reshaped(model, result, [num_rows, 1, 1, shape[0]], b"_conv")
    graph.operators.insert(place, _reshape(model, int(operator.inputs[0]), source))
    bias = int(operator.inputs[2]) if len(operator.inputs) > 2 else -1
    if bias < 0:  # the int8 kernel of CONV_2D insists on one
        bias = _zero_bias(model, int(operator.inputs[0]), int(operator.inputs[1]))
    operator.inputs = np.array([source, operator.inputs[1], bias], np.int32)
    operator.outputs = np.array([inner], np.int32)
    operator.opcodeIndex = operator_code(model, schema.BuiltinOperator.CONV_2D, CONV_VERSION)
    operator.builtinOptionsType = schema.BuiltinOptions.Conv2DOptions
    operator.builtinOptions = schema.Conv2DOptionsT(
        padding=schema.Padding.VALID, strideW=1, strideH=1, fusedActivationFunction=options.fusedActivationFunction
    )
    readers = [other for other in graph.operators if result in [int(i) for i in other.inputs]]
    if result not in [int(i) for i in graph.outputs] and all(
        family_of(operator_name(model, other)) is Family.DENSE and int(other.inputs[0]) == result for other in readers
    ):
        for other in readers:
            other.inputs = np.array([inner, *other.inputs[1:]], np.int32)
        return
    graph.operators.insert(graph.operators.index(operator) + 1, _reshape(model, inner, result))


def _zero_bias(model: schema.ModelT, source: int, kernel: int) -> int:
    """Add an int32 bias of zeros in its unit, input scale times kernel scale; return its index."""
    graph = model.subgraphs[0]
    weights = graph.tensors[kernel]
    num_units = int(weights.shape[0])
    scale = np.asarray(weights.quantization.scale, np.float32)
    scale = np.float32(graph.tensors[source].quantization.scale[0]) * scale
    model.buffers.append(schema.BufferT(data=np.zeros(4 * num_units, np.uint8)))
    graph.tensors.append(
        schema.TensorT(
            shape=np.array([num_units], np.int32),
            type=schema.TensorType.INT32,
            buffer=len(model.buffers) - 1,
            name=weights.name.removesuffix(b"/kernel") + b"/bias",
            quantization=schema.QuantizationParametersT(
                scale=scale, zeroPoint=np.zeros(scale.size, np.int64), quantizedDimension=0
            ),
        )
    )
    return len(graph.tensors) - 1


def _reshaped(model: schema.ModelT, index: int, shape: list[int], suffix: bytes) -> int:
    """Add a tensor like `index` in another shape; return its index."""
    graph = model.subgraphs[0]
    tensor = copy.copy(graph.tensors[index])
    tensor.shape, tensor.name = np.array(shape, np.int32), tensor.name + suffix
    graph.tensors.append(tensor)
    return len(graph.tensors) - 1


def _reshape(model: schema.ModelT, source: int, target: int) -> schema.OperatorT:
    """Return a RESHAPE from one tensor to another, batch open."""
    graph = model.subgraphs[0]
    shape = np.array([-1, *graph.tensors[target].shape[1:]], np.int32)
    model.buffers.append(schema.BufferT(data=np.frombuffer(shape.tobytes(), np.uint8)))
    graph.tensors.append(
        schema.TensorT(
            shape=np.array([len(shape)], np.int32),
            type=schema.TensorType.INT32,
            buffer=len(model.buffers) - 1,
            name=graph.tensors[target].name + b"/shape",
        )
    )
    return schema.OperatorT(
        opcodeIndex=operator_code(model, schema.BuiltinOperator.RESHAPE, 1),
        inputs=np.array([source, len(graph.tensors) - 1], np.int32),
        outputs=np.array([target], np.int32),
        builtinOptionsType=schema.BuiltinOptions.ReshapeOptions,
        builtinOptions=schema.ReshapeOptionsT(newShape=shape),
    )
