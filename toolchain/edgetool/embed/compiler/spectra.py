"""RFFT2D of rows with COMPLEX_ABS behind it, as the front ends of audio models have them: numbers that are no pairs."""

from __future__ import annotations

import dataclasses
from collections import Counter

import numpy as np

from edgetool.embed.ops import ALIASES
from edgetool.ir.graph import Graph, Op

__all__ = ["join_spectra"]


def join_spectra(graph: Graph) -> Graph:
    """Return the graph with one SPECTRUM for each RFFT2D of which only absolute values are read.

    The transform must be that of single rows whose length is a power of two.
    """
    makers = graph.producers()
    readers = Counter([name for op in graph.ops for name in op.inputs] + list(graph.outputs))
    replaced: dict[str, Op] = {}
    gone: set[str] = set()
    for op in graph.ops:
        chain = _chain(op, makers, readers) if op.kind == "COMPLEX_ABS" else []
        if not chain or not _is_of_rows(chain[-1], graph):
            continue
        replaced[op.outputs[0]] = Op("SPECTRUM", op.name, chain[-1].inputs[:1], op.outputs)
        gone |= {name for step in chain for name in step.outputs}
    if not replaced:
        return graph
    ops = [replaced.get(op.outputs[0], op) for op in graph.ops if op.outputs and op.outputs[0] not in gone]
    return dataclasses.replace(graph, ops=tuple(ops))


def _chain(op: Op, makers: dict[str, Op], readers: Counter[str]) -> list[Op]:
    """Return what makes the operator's input, from the last change of shape to the RFFT2D; empty where another does."""
    chain: list[Op] = []
    maker = makers.get(op.inputs[0])
    while maker is not None and readers[maker.outputs[0]] == 1:
        chain.append(maker)
        if maker.kind == "RFFT2D":
            return chain
        maker = makers.get(maker.inputs[0]) if maker.kind in ALIASES else None
    return []


def _is_of_rows(op: Op, graph: Graph) -> bool:
    """Tell whether the transform is that of rows as long as the source's, a power of two."""
    lengths = graph.tensors[op.inputs[1]].constant
    shape = graph.tensors[op.inputs[0]].shape
    if lengths is None or lengths.size != 2 or len(shape) < 2:
        return False
    height, width = (int(length) for length in np.reshape(lengths, -1))
    return (height, width) == shape[-2:] and height == 1 and width >= 2 and width & (width - 1) == 0
