"""Operators whose inputs are all constants, computed when C is written: sparse weights, weights in half precision."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from edgetool.data.dataset import Array
from edgetool.ir.graph import Graph, Op, Tensor

__all__ = ["fold_constants"]


def fold_constants(graph: Graph) -> Graph:
    """Return the graph with what `FOLDS` computes as constants; operators that it does not know stay."""
    tensors, ops = dict(graph.tensors), []
    for op in graph.ops:
        values = _folded(op, tensors)
        if values is None:
            ops.append(op)
            continue
        name = op.outputs[0]
        tensors[name] = dataclasses.replace(tensors[name], constant=values, stored_bytes=values.nbytes)
    return dataclasses.replace(graph, tensors=tensors, ops=tuple(ops))


def _folded(op: Op, tensors: dict[str, Tensor]) -> Array | None:
    fold = FOLDS.get(op.kind)
    source = tensors.get(op.inputs[0]) if op.inputs else None
    if fold is None or source is None or source.constant is None or len(op.outputs) != 1:
        return None
    return fold(source.constant, source, tensors[op.outputs[0]])


def _densified(values: Array, source: Tensor, result: Tensor) -> Array | None:
    """DENSIFY: the reader of files has done it already."""
    return values if source.dtype == result.dtype and values.shape == result.shape else None


def _dequantized(values: Array, source: Tensor, result: Tensor) -> Array | None:
    """DEQUANTIZE of half precision, exact."""
    if (source.dtype, result.dtype) != ("float16", "float32"):
        return None
    return values.astype(np.float32)


def _reshaped(values: Array, _: Tensor, result: Tensor) -> Array | None:
    return values.reshape(result.shape) if values.size == result.num_elements else None


FOLDS: dict[str, Callable[[Array, Tensor, Tensor], Array | None]] = {
    "DENSIFY": _densified,
    "DEQUANTIZE": _dequantized,
    "EXPAND_DIMS": _reshaped,
    "RESHAPE": _reshaped,
    "SQUEEZE": _reshaped,
}
