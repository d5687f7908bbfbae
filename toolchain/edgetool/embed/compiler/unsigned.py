"""Models of unsigned bytes, as TensorFlow 1 quantised them and many take at their inputs, in the int8 of kernels.

A stored value `q` of uint8 with zero point `z` is the same number as `q - 128` of int8 with zero point `z - 128`: only
the bytes of inputs and outputs have to change. Operators of which LiteRT treats the two types differently are told by
the attribute `unsigned`.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from edgetool.data.dataset import Array
from edgetool.ir.graph import Graph, Op, Quantization, Tensor

__all__ = ["as_signed", "as_unsigned", "flipped", "name_in_file"]

#: What the names of inputs and outputs get behind them inside of the program.
AS_SIGNED = " as int8"


def as_signed(graph: Graph) -> Graph:
    """Return the graph with int8 in place of every uint8; FLIP_SIGN stands behind inputs and in front of outputs."""
    unsigned = {name for name, tensor in graph.tensors.items() if tensor.dtype == "uint8"}
    if not unsigned:
        return graph
    outside = unsigned & {*graph.inputs, *graph.outputs}
    inside = {name: f"{name}{AS_SIGNED}" for name in outside}
    tensors = {name: tensor for name, tensor in graph.tensors.items() if name not in unsigned}
    for name in unsigned:
        signed = inside.get(name, name)
        tensors[signed] = dataclasses.replace(_signed(graph.tensors[name]), name=signed)
    tensors |= {name: graph.tensors[name] for name in outside}
    ops = [_flip(name, inside[name]) for name in dict.fromkeys(graph.inputs) if name in outside]
    for op in graph.ops:
        attributes = op.attributes
        if unsigned & {*op.inputs, *op.outputs}:
            attributes = {**attributes, "unsigned": True}
        inputs = tuple(inside.get(name, name) for name in op.inputs)
        outputs = tuple(inside.get(name, name) for name in op.outputs)
        ops.append(dataclasses.replace(op, inputs=inputs, outputs=outputs, attributes=attributes))
    made = dict.fromkeys(name for name in graph.outputs if name in outside and name not in graph.inputs)
    ops += [_flip(inside[name], name) for name in made]
    return dataclasses.replace(graph, tensors=tensors, ops=tuple(ops))


def name_in_file(name: str) -> str:
    """Return the name that a tensor of the program has in its file."""
    return name.removesuffix(AS_SIGNED)


def _flip(source: str, result: str) -> Op:
    return Op("FLIP_SIGN", result, (source,), (result,))


def _signed(tensor: Tensor) -> Tensor:
    values = None if tensor.constant is None else flipped(tensor.constant)
    return dataclasses.replace(_moved(tensor, -128), dtype="int8", constant=values)


def as_unsigned(tensor: Tensor) -> Tensor:
    """Return an activation of int8 as the same one of uint8."""
    return dataclasses.replace(_moved(tensor, 128), dtype="uint8")


def flipped(values: Array) -> Array:
    """Return stored values of uint8 as those of int8, or the other way round."""
    other = np.int8 if values.dtype == np.uint8 else np.uint8
    found: Array = np.ascontiguousarray(values).view(np.uint8) ^ np.uint8(128)
    return found.view(other)


def _moved(tensor: Tensor, distance: int) -> Tensor:
    quantization = tensor.quantization
    if quantization is None:
        return tensor
    zeros = tuple(zero + distance for zero in quantization.zero_point)
    return dataclasses.replace(tensor, quantization=Quantization(quantization.scale, zeros, quantization.dimension))
