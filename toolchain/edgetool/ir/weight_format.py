"""Read the format of weights off a file's tensors."""

from __future__ import annotations

import numpy as np

from edgetool.data.dataset import Array
from edgetool.ir.graph import Graph, Tensor, element_bytes
from edgetool.ir.kernels import centred, list_kernels
from edgetool.records import FLOAT32, INT8, WeightFormat

__all__ = ["coarsest_format", "format_of", "format_of_values"]

#: Operators that say by themselves that a model computes with integers.
QUANTIZING = ("QUANTIZE", "QuantizeLinear", "DynamicQuantize", "QLinear", "ConvInteger", "MatMulInteger")


def format_of(tensor: Tensor) -> WeightFormat:
    """Return the format of a constant tensor; values are counted with the zero point taken off."""
    is_integer = tensor.dtype.startswith(("int", "uint"))
    quantization = tensor.quantization
    counted = format_of_values(np.ravel(centred(tensor)))
    bits = round(8 * element_bytes(tensor.dtype))
    if not is_integer:
        return WeightFormat(bits=bits, palette=counted.palette, zeros=counted.zeros)
    points = () if quantization is None else quantization.zero_point
    num_scales = 1 if quantization is None else max(len(quantization.scale), len(points))
    middle = 1 << (bits - 1) if tensor.dtype.startswith("u") else 0
    return WeightFormat(
        bits=bits,
        is_integer=True,
        granularity="channel" if num_scales > 1 else "tensor",
        symmetric=all(point == middle for point in points),
        palette=counted.palette,
        zeros=counted.zeros,
    )


def format_of_values(values: Array) -> WeightFormat:
    """Return the format of an array of real numbers: its width, distinct values and zeros."""
    zeros = float(np.mean(values == 0)) if values.size else 0.0
    return WeightFormat(bits=8 * values.dtype.itemsize, palette=int(np.unique(values).size), zeros=zeros)


def coarsest_format(graph: Graph) -> WeightFormat:
    """Return the kernel format with the fewest bits; INT8 also where activations alone are integers."""
    names = [kernel.name for kernel in list_kernels(graph) if kernel.name in graph.tensors]
    formats = [format_of(graph.tensors[name]) for name in names]
    integers = [stored for stored in formats if stored.is_integer]
    if integers:
        return min(integers, key=_bits)
    if any(op.kind.startswith(QUANTIZING) for op in graph.ops):
        return INT8
    return min(formats, key=_bits, default=FLOAT32)


def _bits(stored: WeightFormat) -> int:
    return stored.bits
