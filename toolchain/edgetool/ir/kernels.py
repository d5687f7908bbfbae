"""Find the kernel of a Keras layer in an exported file, in Keras layout."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgetool.data.dataset import Array
from edgetool.ir.graph import Graph, Op, Tensor
from edgetool.ir.macs import weight_inputs

__all__ = ["KernelTensor", "find_kernel", "list_kernels"]

_PASS_THROUGH = {
    "DequantizeLinear", "DEQUANTIZE", "DENSIFY", "Cast", "Identity", "Transpose", "Reshape", "RESHAPE", "Mul", "Pad",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class KernelTensor:
    """A kernel as the file stores it.

    Attributes:
        name: of the constant tensor.
        values: stored values minus the zero point (integers where quantised), in Keras layout where `kind` is known.
        op: the operator that uses it.
        kind: that operator's kind.
    """

    name: str
    values: Array
    op: str
    kind: str


def list_kernels(graph: Graph) -> tuple[KernelTensor, ...]:
    """Return every constant kernel of the graph in execution order, each once."""
    producers = graph.producers()
    found: dict[str, KernelTensor] = {}
    for op in graph.ops:
        for name in weight_inputs(op):
            traced = _trace(graph, producers, name)
            if traced is None:
                continue
            root, values = traced
            if root.name not in found:
                found[root.name] = KernelTensor(root.name, _keras_layout(op.kind, values), op.name, op.kind)
    return tuple(found.values())


def find_kernel(
    graph: Graph, layer: str, kernel_shape: tuple[int, ...], hint: str | None = None
) -> KernelTensor | None:
    """Return the kernel of the Keras layer `layer`, or None where the file has none that fits.

    Args:
        graph: of the exported file.
        layer: the layer's name.
        kernel_shape: in Keras layout.
        hint: the tensor's name, where the exporter knows it.
    """
    kernels = list_kernels(graph)
    exact = [kernel for kernel in kernels if hint is not None and kernel.name == hint]
    fitting = [kernel for kernel in kernels if _fits(kernel.values.shape, kernel_shape)]
    named = [kernel for kernel in fitting if layer in _segments(kernel.name) | _segments(kernel.op)]
    candidates = exact or named or (fitting if len(fitting) == 1 else [])
    if not candidates:
        return None
    kernel = candidates[0]
    if kernel.values.shape == kernel_shape or kernel.values.size != math.prod(kernel_shape):
        return kernel
    return KernelTensor(kernel.name, kernel.values.reshape(kernel_shape), kernel.op, kernel.kind)


def _segments(name: str) -> set[str]:
    """Return the parts of a tensor name: converters join layer and operator names by slashes and semicolons."""
    parts = name.replace(";", "/").replace(":", "/").split("/")
    return {*parts, *(part.removeprefix("quant_") for part in parts)}


def _fits(found: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    return tuple(size for size in found if size != 1) == tuple(size for size in wanted if size != 1)


def _trace(graph: Graph, producers: dict[str, Op], name: str) -> tuple[Tensor, Array] | None:
    """Follow a weight input back to the constant it is made from, through dequantisation and moves of elements."""
    moves: list[Op] = []
    for _ in range(8):
        tensor = graph.tensors.get(name)
        if tensor is not None and tensor.constant is not None:
            return tensor, _moved(graph, _centred(tensor), moves)
        op = producers.get(name)
        if op is None or op.kind not in _PASS_THROUGH or not op.inputs:
            return None
        moves.append(op)
        name = op.inputs[0]
    return None


def _centred(tensor: Tensor) -> Array:
    """Return stored values minus the zero point; a zero weight is then a zero."""
    assert tensor.constant is not None
    values = tensor.constant
    if tensor.quantization is None or values.dtype.kind not in "iu" or not any(tensor.quantization.zero_point):
        return values
    zero = np.asarray(tensor.quantization.zero_point, np.int64)
    if zero.size > 1:
        shape = [1] * values.ndim
        shape[tensor.quantization.dimension] = zero.size
        zero = zero.reshape(shape)
    return np.asarray(values.astype(np.int64) - zero)


def _moved(graph: Graph, values: Array, moves: list[Op]) -> Array:
    """Apply the transposes and reshapes between the constant and the operator."""
    for op in reversed(moves):
        if op.kind == "Transpose" and values.ndim == len(op.attributes.get("perm", ())):
            values = values.transpose(op.attributes["perm"])
        elif op.kind == "Reshape" and len(op.inputs) > 1:
            shape = graph.constant(op.inputs[1])
            if shape is not None and -1 not in shape and math.prod(int(s) for s in shape) == values.size:
                values = values.reshape(tuple(int(size) for size in shape))
    return values


def _keras_layout(kind: str, values: Array) -> Array:
    """Turn a kernel into Keras layout: convolutions [H, W, I, O], depthwise [H, W, I, M], dense [I, O]."""
    if kind == "CONV_2D" and values.ndim == 4:
        return values.transpose(1, 2, 3, 0)
    if kind == "DEPTHWISE_CONV_2D" and values.ndim == 4:
        return values.transpose(1, 2, 3, 0)
    if kind == "FULLY_CONNECTED" and values.ndim == 2:
        return values.T
    if kind in ("Conv", "ConvInteger", "QLinearConv", "FusedConv") and values.ndim >= 3:
        spatial = tuple(range(2, values.ndim))
        return values.transpose(*spatial, 1, 0)
    return values
