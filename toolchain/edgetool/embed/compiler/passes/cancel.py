"""Quantising and dequantising that change nothing."""

from __future__ import annotations

import dataclasses

from edgetool.ir.graph import Graph, Op, Tensor

__all__ = ["cancel_pairs"]

INTEGERS = ("int8", "int16")


def cancel_pairs(graph: Graph) -> Graph:
    """Return the graph with each QUANTIZE that gives back the integers it came from as a RESHAPE, which takes no code.

    That is so behind a DEQUANTIZE of the same type, scale and zero point, and from such a tensor directly:
    `round((scale * (q - zero)) / scale) + zero` is `q`, since two roundings in float32 move a number of 16 bits by less
    than a half. A DEQUANTIZE that nothing else reads is then not needed. The other order, QUANTIZE and then
    DEQUANTIZE, rounds, and stays.
    """
    makers = graph.producers()
    ops = []
    for op in graph.ops:
        source = _origin(op, makers) if op.kind == "QUANTIZE" and op.inputs and op.outputs else None
        is_same = source is not None and _is_same(graph.tensors[source], graph.tensors[op.outputs[0]])
        ops.append(Op("RESHAPE", op.name, (source,), op.outputs) if is_same and source is not None else op)
    return dataclasses.replace(graph, ops=tuple(ops))


def _origin(op: Op, makers: dict[str, Op]) -> str:
    maker = makers.get(op.inputs[0])
    return maker.inputs[0] if maker is not None and maker.kind == "DEQUANTIZE" else op.inputs[0]


def _is_same(source: Tensor, result: Tensor) -> bool:
    a, b = source.quantization, result.quantization
    if a is None or b is None or source.constant is not None or source.dtype not in INTEGERS or len(a.scale) != 1:
        return False
    return (source.dtype, a.scale, a.zero_point) == (result.dtype, b.scale, b.zero_point)
