"""Operators that are known when C is written: of constants alone, and the shapes of tensors."""

from __future__ import annotations

import dataclasses

import numpy as np

from edgetool.data.dataset import Array
from edgetool.embed.compiler.passes.fold_values import FOLDS, Call
from edgetool.ir.graph import Graph, Op, Tensor

__all__ = ["fold_constants"]

#: A result of more elements is left to the program: it would take more flash than the operator.
MAX_GROWN = 1 << 16


def fold_constants(graph: Graph) -> Graph:
    """Return the graph with what `FOLDS` computes as constants; operators that it does not know stay."""
    tensors, ops = dict(graph.tensors), []
    for op in graph.ops:
        values = _folded(op, tensors)
        if values is None:
            ops.append(op)
            continue
        for name, array in zip(op.outputs, values, strict=True):
            tensors[name] = dataclasses.replace(
                tensors[name], shape=array.shape, constant=array, stored_bytes=array.nbytes
            )
    return dataclasses.replace(graph, tensors=tensors, ops=tuple(ops))


def _folded(op: Op, tensors: dict[str, Tensor]) -> list[Array] | None:
    """Return the values of each output; None where an input is no constant, or the operator is not known."""
    if op.kind in ("SHAPE", "RANK"):
        return _shape(op, tensors[op.inputs[0]], tensors[op.outputs[0]])
    fold = FOLDS.get(op.kind)
    if fold is None or not op.outputs or not op.inputs:
        return None
    sources = [tensors[name] for name in op.inputs if name]
    arrays = [source.constant for source in sources]
    constants = [array for array in arrays if array is not None]
    if len(constants) < len(arrays):
        return None
    results = [tensors[name] for name in op.outputs]
    found = fold(Call(op, constants, sources, results))
    if found is None:
        return None
    is_sound = all(
        str(array.dtype) == result.dtype and array.size == result.num_elements
        for array, result in zip(found, results, strict=True)
    )
    grown = sum(array.size for array in found) > max(MAX_GROWN, 2 * sum(array.size for array in constants))
    return found if is_sound and not grown else None


def _shape(op: Op, source: Tensor, result: Tensor) -> list[Array] | None:
    """Return SHAPE or RANK of a tensor whose sizes are known."""
    if not source.has_shape or any(size < 0 for size in source.shape) or result.dtype not in ("int32", "int64"):
        return None
    values: list[int] | int = list(source.shape) if op.kind == "SHAPE" else len(source.shape)
    return [np.array(values, result.dtype)]
