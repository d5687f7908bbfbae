"""Read kernels that `edgetool.exporters.onnx.sparse` stored without their zeros: as values and gaps between them."""

from __future__ import annotations

import math

import numpy as np

from edgetool.data.dataset import Array
from edgetool.ir.graph import Op, Tensor

__all__ = ["expand_scattered"]

#: A kernel may have at most so many elements for each stored one: more comes from a damaged file only.
MAX_EXPANSION = 1024


def expand_scattered(ops: tuple[Op, ...], tensors: dict[str, Tensor]) -> tuple[Op, ...]:
    """Make constants of kernels computed as `Reshape(ScatterElements(zeros, CumSum(Cast(gaps)), values), shape)`.

    Args:
        ops: of the graph.
        tensors: by name; the kernels in it become sparse constants.

    Returns:
        the operators without those that compute kernels.
    """
    makers = {output: op for op in ops for output in op.outputs}
    folded: set[int] = set()
    for op in ops:
        if op.kind != "Reshape" or len(op.inputs) != 2:
            continue
        chain = _chain(op, makers)
        if chain is None:
            continue
        zeros, cast, scatter = chain[0], chain[1], chain[3]
        dense = _expand(tensors, size=zeros.inputs[0], gaps=cast.inputs[0], values=scatter.inputs[2])
        shape = _constant(tensors, op.inputs[1])
        if dense is None or shape is None or math.prod(int(n) for n in shape) != dense.size or np.any(shape < 0):
            continue
        stored = sum(tensors[name].stored_bytes for name in (cast.inputs[0], scatter.inputs[2]))
        tensors[op.outputs[0]] = Tensor(
            op.outputs[0],
            tuple(int(n) for n in shape),
            dense.dtype.name,
            constant=dense.reshape([int(n) for n in shape]),
            stored_bytes=stored,
            sparse=True,
        )
        folded.update(id(link) for link in (*chain, op))
    return tuple(op for op in ops if id(op) not in folded)


def _chain(reshape: Op, makers: dict[str, Op]) -> tuple[Op, Op, Op, Op] | None:
    """Return the ConstantOfShape, Cast, CumSum and ScatterElements behind a Reshape, or None."""
    scatter = makers.get(reshape.inputs[0])
    if scatter is None or scatter.kind != "ScatterElements" or len(scatter.inputs) != 3:
        return None
    zeros, running = makers.get(scatter.inputs[0]), makers.get(scatter.inputs[1])
    if zeros is None or zeros.kind != "ConstantOfShape" or running is None or running.kind != "CumSum":
        return None
    cast = makers.get(running.inputs[0]) if running.inputs else None
    if cast is None or cast.kind != "Cast" or not cast.inputs or not zeros.inputs:
        return None
    return zeros, cast, running, scatter


def _expand(tensors: dict[str, Tensor], *, size: str, gaps: str, values: str) -> Array | None:
    """Return the flat kernel, or None where a part is no constant or they do not fit each other."""
    found = [_constant(tensors, name) for name in (size, gaps, values)]
    if any(part is None or part.ndim != 1 for part in found):
        return None
    length, steps, stored = (np.asarray(part) for part in found)
    positions = np.cumsum(steps, dtype=np.int64)
    if length.size != 1 or steps.size != stored.size or steps.dtype != np.uint8:
        return None
    total = int(length[0])
    if not 0 < total <= MAX_EXPANSION * max(1, stored.size) or (positions.size and int(positions[-1]) >= total):
        return None
    dense = np.zeros(total, stored.dtype)
    dense[positions] = stored
    return dense


def _constant(tensors: dict[str, Tensor], name: str) -> Array | None:
    tensor = tensors.get(name)
    return None if tensor is None else tensor.constant
