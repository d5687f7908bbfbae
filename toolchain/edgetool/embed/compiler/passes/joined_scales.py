"""CONCATENATION of unsigned bytes of several scales, as TensorFlow 1 wrote it: LiteRT rescales them, of uint8 alone."""

from __future__ import annotations

import dataclasses

from edgetool.ir.graph import Graph, Op, Tensor

__all__ = ["rescale_joined"]


def rescale_joined(graph: Graph) -> Graph:
    """Return the graph with a RESCALED_BYTES in front of each part that is of another scale than what it is joined to.

    Args:
        graph: after `as_signed`, which marks operators that were of unsigned bytes.
    """
    tensors, ops = dict(graph.tensors), []
    for op in graph.ops:
        if op.kind != "CONCATENATION" or not op.attributes.get("unsigned", False):
            ops.append(op)
            continue
        result, names = tensors[op.outputs[0]], []
        for name in op.inputs:
            if not _is_other(tensors[name], result):
                names.append(name)
                continue
            made = f"{name} as part of {result.name}"
            if made not in tensors:
                tensors[made] = dataclasses.replace(
                    tensors[name], name=made, quantization=result.quantization, constant=None, stored_bytes=0
                )
                ops.append(Op("RESCALED_BYTES", made, (name,), (made,)))
            names.append(made)
        ops.append(dataclasses.replace(op, inputs=tuple(names)))
    return dataclasses.replace(graph, tensors=tensors, ops=tuple(ops))


def _is_other(part: Tensor, result: Tensor) -> bool:
    a, b = part.quantization, result.quantization
    if a is None or b is None or part.dtype != "int8" or part.constant is not None:
        return False
    return (a.scale, a.zero_point) != (b.scale, b.zero_point)
