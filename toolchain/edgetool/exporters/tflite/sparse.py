"""Store pruned kernels sparse: only the non-zero values, with the position of each (CSR).

The converter has `Optimize.EXPERIMENTAL_SPARSITY`, but its int8 files do not load with LiteRT's default kernels (the
XNNPACK delegate refuses FULLY_CONNECTED behind DENSIFY: "failed to delegate FULLY_CONNECTED node", seen with TensorFlow
2.21 and ai-edge-litert 2.3), and it always runs along the last dimension, which takes two bytes an index on wide dense
layers. So the sparse form is written here, operator by operator:

1. CONV_2D and all float operators: a DENSIFY in front; XNNPACK and the builtin kernels expand it once, at the start.
2. FULLY_CONNECTED with int8 weights and activations: becomes the CONV_2D that computes the same sums (kernel `[O, 1, W,
   C]`, C at most 256), then as 1. One byte an index, and XNNPACK takes it.
3. int16 activations: a DENSIFY in front; these operators are never delegated.
4. Operators with int8 weights and float activations, and embedding tables: left dense, and said so.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgetool.data.dataset import Array
from edgetool.exporters.tflite.file import constant, operator_code
from edgetool.exporters.tflite.kernels import operator_name, stored_weights
from edgetool.exporters.tflite.rewrite.fold import fully_connected_as_conv
from edgetool.ir.operators import OPERATORS, Family, family_of

__all__ = ["SparseReport", "sparsify"]

#: A DENSIFY operator with its tensor and metadata takes about this many bytes; less saved is not worth an operator.
MIN_SAVED_BYTES = 512
#: Kernels with fewer zeros are left alone without a word.
MIN_SPARSITY = 0.3


@dataclass(frozen=True, slots=True)
class SparseReport:
    """What was stored sparse.

    Attributes:
        num_tensors: kernels now stored sparse.
        saved_bytes: of their values, indices included.
        notes: a sentence for every pruned kernel that stays dense.
    """

    num_tensors: int
    saved_bytes: int
    notes: tuple[str, ...]


def sparsify(model: schema.ModelT) -> SparseReport:
    """Store the kernels of `model` sparse where that is smaller and every LiteRT kernel can read it; edits in place."""
    graph = model.subgraphs[0]
    users = [operator for operator, _ in stored_weights(model)]
    num_tensors, saved, notes = 0, 0, []
    for operator, index in stored_weights(model):
        tensor = graph.tensors[index]
        values = constant(model, tensor)
        if values is None or values.ndim < 2 or float(np.mean(values == 0)) < MIN_SPARSITY:
            continue
        name = tensor.name.decode()
        reason = _reason_against(model, operator, tensor, sum(index in _inputs(user) for user in users))
        if reason:
            notes.append(f"{name} ({operator_name(model, operator)}): stored dense, {reason}")
            continue
        shape = _conv_shape(values.shape) if _needs_conv(model, operator, tensor) else values.shape
        axis, size = _best_axis(values.reshape(shape))
        if size + MIN_SAVED_BYTES > values.nbytes:
            notes.append(
                f"{name} ({operator_name(model, operator)}): stored dense, {np.mean(values == 0):.0%} zeros would take "
                f"{size:,} bytes sparse (index and value of each other weight) and take {values.nbytes:,} dense"
            )
            continue
        if shape != values.shape:
            fully_connected_as_conv(model, operator, shape)
        _encode(model, index, values.reshape(shape), axis)
        _insert_densify(model, index)
        num_tensors, saved = num_tensors + 1, saved + values.nbytes - size
    return SparseReport(num_tensors, saved, tuple(notes))


def _inputs(operator: schema.OperatorT) -> list[int]:
    return [int(index) for index in operator.inputs]


def _reason_against(model: schema.ModelT, operator: schema.OperatorT, tensor: schema.TensorT, num_users: int) -> str:
    """Return why this kernel cannot be stored sparse, or nothing."""
    name = operator_name(model, operator)
    activations = model.subgraphs[0].tensors[int(operator.inputs[0])].type
    if tensor.type in (schema.TensorType.FLOAT32, schema.TensorType.FLOAT16):
        row = OPERATORS.get(name)
        return "" if row is not None and row.sparse_floats else "this operator has no kernel for unpacked weights"
    if tensor.type != schema.TensorType.INT8:
        return "DENSIFY expands float32, float16 and int8 only"
    if tensor.quantization is not None and np.any(tensor.quantization.zeroPoint):
        return "its zero point is not zero"
    if activations == schema.TensorType.FLOAT32:
        return "XNNPACK cannot unpack int8 weights for float activations"
    family = family_of(name)
    if family is Family.CONVOLUTION:
        return ""
    if family is Family.DENSE:
        if activations == schema.TensorType.INT16:
            return ""
        if operator.builtinOptions.keepNumDims or num_users > 1:
            return "XNNPACK cannot unpack int8 weights for it, and it is no plain matrix product to rewrite"
        return ""
    return "XNNPACK cannot unpack int8 weights for this operator"


def _needs_conv(model: schema.ModelT, operator: schema.OperatorT, tensor: schema.TensorT) -> bool:
    activations = model.subgraphs[0].tensors[int(operator.inputs[0])].type
    int8 = schema.TensorType.INT8
    return family_of(operator_name(model, operator)) is Family.DENSE and tensor.type == int8 and activations == int8


def _conv_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return `[O, 1, W, C]` for a kernel `[O, W * C]`, C the largest divisor up to 256: then an index is one byte."""
    outputs, inputs = shape
    channels = next(divisor for divisor in range(min(256, inputs), 0, -1) if inputs % divisor == 0)
    return (outputs, 1, inputs // channels, channels)


def _best_axis(values: Array) -> tuple[int, int]:
    """Return the axis to store as CSR, the others being dense, and the bytes that values and indices then take."""
    nonzero = int(np.count_nonzero(values))

    def cost(axis: int) -> int:
        index, segment = _index_type(values.shape[axis] - 1), _index_type(nonzero)
        rows = values.size // values.shape[axis]
        return int(nonzero * (values.itemsize + index.itemsize) + (rows + 1) * segment.itemsize)

    axis = min(range(values.ndim), key=lambda a: (cost(a), -a))
    return axis, cost(axis)


def _index_type(largest: int) -> np.dtype[Any]:
    """Return the narrowest index type of the schema (uint8, uint16, int32) that holds `largest`."""
    return np.dtype(np.uint8 if largest < 256 else np.uint16 if largest < 65536 else np.int32)


def _encode(model: schema.ModelT, index: int, values: Array, axis: int) -> None:
    """Replace a tensor's buffer by its non-zero values and describe their places (schema.fbs, SparsityParameters)."""
    tensor = model.subgraphs[0].tensors[index]
    order = [dim for dim in range(values.ndim) if dim != axis] + [axis]
    rows = np.transpose(values, order).reshape(-1, values.shape[axis])
    nonzero = rows != 0
    if not nonzero.any():
        nonzero[0, 0] = True  # a tensor without a buffer is no constant to the interpreter
    sparsity = schema.SparsityParametersT()
    sparsity.traversalOrder = np.array(order, np.int32)
    sparsity.dimMetadata = [_dense_level(values.shape[dim]) for dim in order[:-1]]
    segments = np.concatenate([[0], np.cumsum(np.count_nonzero(nonzero, axis=1))])
    sparsity.dimMetadata.append(_sparse_level(segments, np.nonzero(nonzero)[1], values.shape[axis]))
    tensor.sparsity = sparsity
    tensor.shape = np.array(values.shape, np.int32)
    model.buffers.append(schema.BufferT(data=np.frombuffer(rows[nonzero].tobytes(), np.uint8)))
    tensor.buffer = len(model.buffers) - 1


def _dense_level(size: int) -> schema.DimensionMetadataT:
    return schema.DimensionMetadataT(format=schema.DimensionType.DENSE, denseSize=int(size))


def _sparse_level(segments: Array, indices: Array, size: int) -> schema.DimensionMetadataT:
    level = schema.DimensionMetadataT(format=schema.DimensionType.SPARSE_CSR)
    level.arraySegmentsType, level.arraySegments = _index_vector(segments, int(segments[-1]))
    level.arrayIndicesType, level.arrayIndices = _index_vector(indices, size - 1)
    return level


def _index_vector(values: Array, largest: int) -> tuple[int, Any]:
    dtype = _index_type(largest)
    kind, vector = {
        "uint8": (schema.SparseIndexVector.Uint8Vector, schema.Uint8VectorT()),
        "uint16": (schema.SparseIndexVector.Uint16Vector, schema.Uint16VectorT()),
        "int32": (schema.SparseIndexVector.Int32Vector, schema.Int32VectorT()),
    }[dtype.name]
    vector.values = values.astype(dtype)
    return kind, vector


def _insert_densify(model: schema.ModelT, index: int) -> None:
    """Expand tensor `index` by a DENSIFY in front of its first reader; every reader takes the expanded one."""
    graph = model.subgraphs[0]
    dense = copy.copy(graph.tensors[index])
    dense.sparsity, dense.buffer, dense.name = None, 0, dense.name + b"_dense"
    graph.tensors.append(dense)
    output = len(graph.tensors) - 1
    first = next(place for place, operator in enumerate(graph.operators) if index in _inputs(operator))
    for operator in graph.operators:
        operator.inputs = np.array([output if i == index else i for i in _inputs(operator)], np.int32)
    densify = schema.OperatorT(
        opcodeIndex=operator_code(model, schema.BuiltinOperator.DENSIFY, 1),
        inputs=np.array([index], np.int32),
        outputs=np.array([output], np.int32),
        builtinOptionsType=schema.BuiltinOptions.DensifyOptions,
        builtinOptions=schema.DensifyOptionsT(),
    )
    graph.operators.insert(first, densify)
