"""Find the tensor that holds each Keras layer's kernel in a converted file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from edgetool.data.dataset import Array
from edgetool.exporters.tflite.file import OPERATOR_NAMES, constant
from edgetool.ir.operators import OPERATORS, kernel_inputs

if TYPE_CHECKING:
    from ai_edge_litert.schema_py_generated import ModelT, OperatorT

__all__ = ["WEIGHT_INPUT", "find_kernels", "operator_name", "stored_weights", "to_file_layout"]

#: Which input of an operator is its kernel.
WEIGHT_INPUT = kernel_inputs(is_tflite=True)

_UNPACKING = ("DEQUANTIZE", "DENSIFY", "RESHAPE", "TRANSPOSE")


def operator_name(model: ModelT, operator: OperatorT) -> str:
    """Return the builtin name of an operator, for example `CONV_2D`."""
    code = model.operatorCodes[operator.opcodeIndex]
    return OPERATOR_NAMES[max(int(code.builtinCode), int(code.deprecatedBuiltinCode))]


def stored_weights(model: ModelT) -> list[tuple[OperatorT, int]]:
    """Return (operator, tensor index) for every operator with a constant kernel, in execution order.

    The index is that of the stored constant, behind any DEQUANTIZE or DENSIFY.
    """
    graph = model.subgraphs[0]
    producers = {int(output): operator for operator in graph.operators for output in operator.outputs}
    found = []
    for operator in graph.operators:
        position = WEIGHT_INPUT.get(operator_name(model, operator))
        if position is None or position >= len(operator.inputs):
            continue
        index = int(operator.inputs[position])
        while index in producers and operator_name(model, producers[index]) in _UNPACKING:
            index = int(producers[index].inputs[0])
        if index >= 0 and model.buffers[graph.tensors[index].buffer].data is not None:
            found.append((operator, index))
    return found


def find_kernels(model: ModelT, keras_kernels: dict[str, Array], wrappers: dict[str, str]) -> dict[str, int]:
    """Return Keras layer name -> index of the tensor that stores its kernel.

    1. A tensor of as many elements whose name has the layer's (or its wrapper's) name as a path component.
    2. Otherwise, when as many unnamed tensors as unnamed layers of one size are left, they pair up in order.

    Args:
        model: the converted file, names as the converter wrote them.
        keras_kernels: `passes.base.layer_kernels(model)`.
        wrappers: layer name -> name of the wrapper around it (TimeDistributed).
    """
    tensors = model.subgraphs[0].tensors
    left: dict[int, int] = {}
    for _, index in stored_weights(model):
        values = constant(model, tensors[index])
        if values is not None:
            left[index] = values.size
    found: dict[str, int] = {}
    for layer, kernel in keras_kernels.items():
        names = {layer, wrappers.get(layer, layer)}
        for index, size in left.items():
            if size == kernel.size and names & _components(tensors[index].name.decode()):
                found[layer] = index
                break
    unclaimed = [index for index in left if index not in found.values()]
    for size in {kernel.size for kernel in keras_kernels.values()}:
        layers = [layer for layer, kernel in keras_kernels.items() if layer not in found and kernel.size == size]
        candidates = [index for index in unclaimed if left[index] == size]
        if len(layers) == len(candidates):
            found.update(zip(layers, candidates, strict=True))
    return found


def to_file_layout(kernel: Array, operator: str, shape: tuple[int, ...]) -> Array | None:
    """Return a Keras kernel in the layout of the operator's tensor, or None where no rule is known.

    Args:
        kernel: `[H, W, I, O]`, `[H, W, I, M]`, `[K, I, O]` or `[I, O]`.
        operator: the TFLite operator that uses it.
        shape: of the tensor in the file: `[O, H, W, I]`, `[1, H, W, I * M]` or `[O, I]`.
    """
    row = OPERATORS.get(operator)
    if row is None or row.channel_axis is None:
        return None
    moved = kernel if row.keras_channels is None else np.moveaxis(kernel, row.keras_channels, 0)
    return moved.reshape(shape) if moved.size == int(np.prod(shape)) else None


def _components(name: str) -> set[str]:
    return set(re.split(r"[/;]", name))
