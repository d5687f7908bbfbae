"""Store float weights of a TFLite file as int8, activations staying float: what quantisers leave out.

QAT wraps neither attention nor tables nor recurrent layers, and litert-quantizer's dynamic mode no table and no LSTM:
of bert-mini's bytes 96 % and 92 % were left. LiteRT multiplies float activations by int8 weights (it quantises rows as
they come), and a table's rows are looked up as int8 and expanded behind that.
"""

from __future__ import annotations

import copy

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgetool.data.dataset import Array
from edgetool.exporters.tflite.file import constant, operator_code
from edgetool.exporters.tflite.kernels import operator_name
from edgetool.ir.operators import OPERATORS, Family, family_of

__all__ = ["has_int8_weights", "store_int8", "store_loops"]

#: Smaller weights stay float, as TensorFlow's converter has it.
MIN_ELEMENTS = 1024
#: Likewise inside a loop, which the converter leaves in float: a recurrent layer has several small kernels.
MIN_LOOP_ELEMENTS = 256

_DEQUANTIZE_VERSION = 2


def store_int8(model: schema.ModelT, *, per_channel: bool) -> int:
    """Store the large float weights of products, tables and LSTMs as int8, symmetric; returns how many operators' are.

    Args:
        model: `ModelT`; its first subgraph is changed.
        per_channel: one scale an output channel where a product is the weights' only reader; tables and LSTMs have one.
    """
    return _store_graph(model, model.subgraphs[0], MIN_ELEMENTS, per_channel=per_channel)


def store_loops(model: schema.ModelT, *, per_channel: bool) -> int:
    """Do as `store_int8` does inside loops: a recurrent layer that has a state given, or a mask, is a WHILE."""
    return sum(_store_graph(model, graph, MIN_LOOP_ELEMENTS, per_channel=per_channel) for graph in model.subgraphs[1:])


def _store_graph(model: schema.ModelT, graph: schema.SubGraphT, min_elements: int, *, per_channel: bool) -> int:
    """Store weights of one subgraph; those of an operator count together."""
    tables = {int(op.inputs[0]) for op in graph.operators if operator_name(model, op) == "GATHER"}
    stored: dict[int, int] = {}
    num_operators = 0
    for operator in list(graph.operators):
        weights = _float_weights(model, graph, operator, min_elements)
        if not weights:
            continue
        name = operator_name(model, operator)
        family = family_of(name)
        inputs = [int(index) for index in operator.inputs]
        for place, index in weights.items():
            if index not in stored:
                by_row = per_channel and family is Family.DENSE and index not in tables
                stored[index] = _store(model, graph, index, by_row=by_row)
            inputs[place] = stored[index]
        operator.inputs = np.array(inputs, np.int32)
        operator.opcodeIndex = operator_code(model, getattr(schema.BuiltinOperator, name), OPERATORS[name].int8_version)
        if family is Family.TABLE:
            _expand_rows(model, graph, operator)
        else:
            operator.builtinOptions.asymmetricQuantizeInputs = True
        num_operators += 1
    return num_operators


def has_int8_weights(model: schema.ModelT, operator: schema.OperatorT) -> bool:
    """Tell whether an operator has int8 weights beside float activations."""
    row = OPERATORS.get(operator_name(model, operator))
    if row is None or not row.int8_weights:
        return False
    first = int(operator.inputs[row.int8_weights[0]])
    return bool(model.subgraphs[0].tensors[first].type == schema.TensorType.INT8)


def _float_weights(
    model: schema.ModelT, graph: schema.SubGraphT, operator: schema.OperatorT, min_elements: int
) -> dict[int, int]:
    """Return place -> tensor of an operator's weights; none where a kernel would not take them as int8."""
    row = OPERATORS.get(operator_name(model, operator))
    if row is None:
        return {}
    places = row.int8_weights
    found = {place: int(operator.inputs[place]) for place in places if int(operator.inputs[place]) >= 0}
    values = [constant(model, graph.tensors[index]) for index in found.values()]
    if not found or any(v is None or v.dtype != np.float32 or v.ndim != 2 for v in values):
        return {}
    options = operator.builtinOptions
    is_plain = row.family is not Family.TABLE or (options.axis, options.batchDims) == (0, 0)
    in_float = graph.tensors[int(operator.outputs[0])].type == schema.TensorType.FLOAT32
    return found if is_plain and in_float and sum(v.size for v in values if v is not None) >= min_elements else {}


def _store(model: schema.ModelT, graph: schema.SubGraphT, index: int, *, by_row: bool) -> int:
    """Return a new tensor with the values of `index` as int8; it takes over the name."""
    values = constant(model, graph.tensors[index])
    assert values is not None, "checked by the caller"
    scale = _scales(values, by_row=by_row)
    rounded = np.round(values / scale[:, None]).astype(np.int8)
    model.buffers.append(schema.BufferT(data=rounded.view(np.uint8).ravel()))
    tensor = copy.copy(graph.tensors[index])
    tensor.type, tensor.buffer = schema.TensorType.INT8, len(model.buffers) - 1
    tensor.quantization = schema.QuantizationParametersT(
        scale=scale, zeroPoint=np.zeros(scale.size, np.int64), quantizedDimension=0
    )
    graph.tensors[index].name = tensor.name + b"_float"
    graph.tensors.append(tensor)
    return len(graph.tensors) - 1


def _scales(values: Array, *, by_row: bool) -> Array:
    """Return the scale of each row, or of all, float32; 1 where everything is zero."""
    largest = np.abs(values).max(axis=1) if by_row else np.abs(values).max(keepdims=True).ravel()
    scales: Array = np.where(largest > 0, largest / 127.0, 1.0).astype(np.float32)
    return scales


def _expand_rows(model: schema.ModelT, graph: schema.SubGraphT, gather: schema.OperatorT) -> None:
    """Let a GATHER of int8 rows be followed by a DEQUANTIZE, which gives its readers what they read before."""
    output = int(gather.outputs[0])
    rows = copy.copy(graph.tensors[output])
    rows.type, rows.buffer, rows.name = schema.TensorType.INT8, 0, rows.name + b"_int8"
    rows.quantization = graph.tensors[int(gather.inputs[0])].quantization
    graph.tensors.append(rows)
    gather.outputs = np.array([len(graph.tensors) - 1], np.int32)
    expand = schema.OperatorT(
        opcodeIndex=operator_code(model, schema.BuiltinOperator.DEQUANTIZE, _DEQUANTIZE_VERSION),
        inputs=gather.outputs,
        outputs=np.array([output], np.int32),
        builtinOptionsType=schema.BuiltinOptions.DequantizeOptions,
        builtinOptions=schema.DequantizeOptionsT(),
    )
    graph.operators.insert(graph.operators.index(gather) + 1, expand)
