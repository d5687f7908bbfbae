"""Find the kernel of a Keras layer in an exported file, in Keras layout."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgetool.data.dataset import Array
from edgetool.ir.graph import Graph, Op, Tensor
from edgetool.ir.macs import weight_inputs
from edgetool.ir.operators import OPERATORS, Family

__all__ = ["KernelTensor", "centred", "find_kernel", "list_kernels"]

_PASS_THROUGH = {
    "DequantizeLinear",
    "DEQUANTIZE",
    "DENSIFY",
    "Cast",
    "Identity",
    "Transpose",
    "Reshape",
    "RESHAPE",
    "Mul",
    "Pad",
}


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
                found[root.name] = KernelTensor(root.name, _keras_layout(op, values), op.name, op.kind)
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
    """Tell whether a kernel of shape `found` can be that of a layer with kernel shape `wanted`.

    Dimensions of 1 come and go. A dense kernel may be stored as a convolution over a reshaped input, and a depthwise
    one joins its last two dimensions, so only size, and outputs or windows, must agree.
    """
    if math.prod(found) != math.prod(wanted):
        return False
    bare_found, bare_wanted = [tuple(size for size in shape if size != 1) for shape in (found, wanted)]
    return (
        bare_found == bare_wanted
        or bare_found[-1:] == bare_wanted[-1:]
        or (len(wanted) >= 3 and found[: len(wanted) - 2] == wanted[:-2])
    )


def _trace(graph: Graph, producers: dict[str, Op], name: str) -> tuple[Tensor, Array] | None:
    """Follow a weight input back to the constant it is made from, through dequantisation and moves of elements."""
    moves: list[Op] = []
    for _ in range(8):
        tensor = graph.tensors.get(name)
        if tensor is not None and tensor.constant is not None:
            return tensor, _moved(graph, centred(tensor), moves)
        op = producers.get(name)
        if op is None or op.kind not in _PASS_THROUGH or not op.inputs:
            return None
        moves.append(op)
        name = op.inputs[0]
    return None


def centred(tensor: Tensor) -> Array:
    """Return the stored values of a constant minus the zero point: a zero weight is then a zero."""
    assert tensor.constant is not None
    values = tensor.constant
    if tensor.quantization is None or values.dtype.kind not in "iu" or not any(tensor.quantization.zero_point):
        return values
    zero = np.asarray(tensor.quantization.zero_point, np.int64)
    dimension = tensor.quantization.dimension
    if zero.size > 1:
        if not 0 <= dimension < values.ndim or values.shape[dimension] != zero.size:
            return values  # a damaged file: the zero points belong to no dimension
        zero = zero.reshape([-1 if axis == dimension else 1 for axis in range(values.ndim)])
    return np.asarray(values.astype(np.int64) - zero)


def _moved(graph: Graph, values: Array, moves: list[Op]) -> Array:
    """Apply the transposes and reshapes between the constant and the operator."""
    for op in reversed(moves):
        if op.kind in ("Transpose", "TRANSPOSE"):
            permutation = op.attributes.get("perm") or _constant_tuple(graph, op) or tuple(range(values.ndim))[::-1]
            if sorted(permutation) == list(range(values.ndim)):
                values = values.transpose(permutation)
        elif op.kind in ("Reshape", "RESHAPE", "Squeeze", "Unsqueeze"):
            result = graph.tensors.get(op.outputs[0]) if op.outputs else None
            shape = result.shape if result is not None and result.has_shape else _constant_tuple(graph, op)
            if -1 not in shape and math.prod(shape) == values.size:
                values = values.reshape(shape)
    return values


def _constant_tuple(graph: Graph, op: Op) -> tuple[int, ...]:
    found = graph.constant(op.inputs[1]) if len(op.inputs) > 1 else None
    return () if found is None or found.dtype.kind not in "iu" else tuple(int(item) for item in np.ravel(found))


def _keras_layout(op: Op, values: Array) -> Array:
    """Turn a kernel into Keras layout: convolutions [H, W, I, O], depthwise [H, W, I * M, 1], dense [I, O]."""
    row = OPERATORS.get(op.kind)
    if row is None:
        return values
    if row.keras_order:
        return values.transpose(row.keras_order) if values.ndim == len(row.keras_order) else values
    if row.family is Family.DENSE and values.ndim == 2 and op.attributes.get("transB"):
        return values.T
    if row.channel_axis is not None and values.ndim >= 3:
        # [O, I, spatial...]; a transposed convolution stores [I, O, spatial...], and Keras [spatial..., O, I].
        spatial = tuple(range(2, values.ndim))
        return values.transpose(*spatial, 1, 0)
    return values
