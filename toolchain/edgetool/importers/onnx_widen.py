"""Turn an ONNX model of half, brain or double precision into float32, the one type that recipes begin with.

float16 and bfloat16 are widened without loss. float64 is rounded: no recipe stores more than float32.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, TensorProto

__all__ = ["widen"]

#: Attributes that name an element type.
_TYPE_ATTRIBUTES = ("to", "dtype", "output_dtype", "stash_type")


def widen(model: ModelProto) -> tuple[str, ...]:
    """Change every tensor of float16, bfloat16 and float64 in `model` (modified) to float32.

    Returns:
        the types that were there, sorted; none where there was nothing to do.
    """
    import onnx

    kinds: dict[int, str] = {
        onnx.TensorProto.FLOAT16: "float16",
        onnx.TensorProto.BFLOAT16: "bfloat16",
        onnx.TensorProto.DOUBLE: "float64",
    }
    changed: set[str] = set()
    for graph in _graphs(model.graph):
        for tensor in graph.initializer:
            changed |= _widen_tensor(tensor, kinds)
        for sparse in graph.sparse_initializer:
            changed |= _widen_tensor(sparse.values, kinds)
        for value in (*graph.input, *graph.output, *graph.value_info):
            kind = value.type.tensor_type
            if kind.elem_type in kinds:
                changed.add(kinds[kind.elem_type])
                kind.elem_type = onnx.TensorProto.FLOAT
        for node in graph.node:
            changed |= _widen_attributes(node, kinds)
    return tuple(sorted(changed))


def _graphs(graph: GraphProto) -> Iterator[GraphProto]:
    """Yield a graph and those within it."""
    waiting = [graph]
    while waiting:
        current = waiting.pop()
        yield current
        for node in current.node:
            for attribute in node.attribute:
                waiting += [attribute.g] if attribute.HasField("g") else []
                waiting += list(attribute.graphs)


def _widen_tensor(tensor: TensorProto, kinds: dict[int, str]) -> set[str]:
    from onnx import numpy_helper

    if tensor.data_type not in kinds:
        return set()
    kind = kinds[tensor.data_type]
    values = np.asarray(numpy_helper.to_array(tensor)).astype(np.float32)
    tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    return {kind}


def _widen_attributes(node: NodeProto, kinds: dict[int, str]) -> set[str]:
    """Change the constants that a node holds, and the types that it makes."""
    import onnx

    changed: set[str] = set()
    for attribute in node.attribute:
        if attribute.type == onnx.AttributeProto.TENSOR:
            changed |= _widen_tensor(attribute.t, kinds)
        elif attribute.name in _TYPE_ATTRIBUTES and attribute.type == onnx.AttributeProto.INT and attribute.i in kinds:
            changed.add(kinds[attribute.i])
            attribute.i = onnx.TensorProto.FLOAT
    return changed
