"""Sizes that a file leaves open are 1: generated C computes one sample."""

from __future__ import annotations

import dataclasses

from edgetool.embed.compiler.sizes import require_known_sizes
from edgetool.ir.graph import Graph, Tensor

__all__ = ["with_fixed_shapes"]


def with_fixed_shapes(graph: Graph) -> Graph:
    """Return the graph with a batch of 1, its subgraphs likewise.

    Where inputs leave the batch open and nothing else, every other open size is the batch too, on whatever axis the
    model has moved it to.

    Raises:
        UnsupportedModelError: a size that only the input's values tell.
    """
    require_known_sizes(graph)
    subgraphs = tuple(with_fixed_shapes(subgraph) for subgraph in graph.subgraphs)
    tensors = {name: _with_batch_1(tensor) for name, tensor in graph.tensors.items()}
    return dataclasses.replace(graph, tensors=tensors, subgraphs=subgraphs)


def _with_batch_1(tensor: Tensor) -> Tensor:
    if all(size >= 0 for size in tensor.shape):
        return tensor
    shape = tuple(1 if size < 0 else size for size in tensor.shape)
    return dataclasses.replace(tensor, shape=shape)
