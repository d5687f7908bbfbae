"""Bring every `Gemm` with a constant kernel into its plain form: `x @ W + row`.

`Gemm` may scale its product (`alpha`) and its bias (`beta`), transpose its input, and add any shape that broadcasts.
Quantisers and integer kernels know less: onnxruntime's static int8 drops `beta`, and its kernel takes a row as the
bias. So the factors go into the constants, a bias of another shape becomes an `Add` behind, and a transposed input a
`Transpose` in front.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgetool.data.dataset import Array
from edgetool.exporters.onnx.graph import constant, consumers, replace_node, set_constant

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto

__all__ = ["as_row", "is_transposed", "plain_gemms"]


def as_row(values: Array, num_channels: int, rank: int) -> Array | None:
    """Return what `values` add to each channel of a `[..., num_channels]` tensor, `[num_channels]`.

    Args:
        values: a constant that is added.
        num_channels: size of the last axis.
        rank: of the tensor.

    Returns:
        None where positions get different values, or where the sum would have more axes than the tensor.
    """
    if values.ndim > rank or any(size != 1 for size in values.shape[:-1]):
        return None
    if values.size not in (1, num_channels):
        return None
    return np.broadcast_to(values.ravel(), (num_channels,))


def plain_gemms(graph: GraphProto) -> int:
    """Rewrite the `Gemm` nodes of `graph` that have a constant float32 kernel; returns how many changed."""
    changed = 0
    for node in [node for node in graph.node if node.op_type == "Gemm"]:
        kernel = constant(graph, node.input[1])
        if kernel is None or kernel.dtype != np.float32 or kernel.ndim != 2:
            continue
        changed += _make_plain(graph, node, kernel)
    return changed


def _make_plain(graph: GraphProto, node: NodeProto, kernel: Array) -> bool:
    before = node.SerializeToString()
    alpha, beta = _take_factor(node, "alpha"), _take_factor(node, "beta")
    if alpha != 1.0:
        _scale_kernel(graph, node, kernel, alpha)
    nodes = [*_transpose_input(node), node, *_bias(graph, node, beta)]
    if len(nodes) > 1:
        _put(graph, node, nodes)
    return bool(before != node.SerializeToString()) or len(nodes) > 1


def _take_factor(node: NodeProto, name: str) -> float:
    """Remove the attribute `name` and return its value; 1 where it is not stated."""
    for attribute in node.attribute:
        if attribute.name == name:
            factor = float(attribute.f)
            node.attribute.remove(attribute)
            return factor
    return 1.0


def _scale_kernel(graph: GraphProto, node: NodeProto, kernel: Array, factor: float) -> None:
    alone = len(consumers(graph)[node.input[1]]) == 1
    name = str(node.input[1]) if alone else f"{node.output[0]}/kernel"
    node.input[1] = set_constant(graph, name, (kernel * np.float32(factor)).astype(np.float32))


def _transpose_input(node: NodeProto) -> list[NodeProto]:
    """Return the Transpose that stands for `transA`, which is removed; none where the input is not transposed."""
    from onnx import helper

    stated = next((attribute for attribute in node.attribute if attribute.name == "transA"), None)
    if stated is None:
        return []
    is_transposed = bool(stated.i)
    node.attribute.remove(stated)
    if not is_transposed:
        return []
    name = f"{node.output[0]}/rows"
    transpose = helper.make_node("Transpose", [node.input[0]], [name], name=name, perm=[1, 0])
    node.input[0] = name
    return [transpose]


def _bias(graph: GraphProto, node: NodeProto, beta: float) -> list[NodeProto]:
    """Make the bias a row of constants, or return the nodes that add it behind the product."""
    from onnx import helper

    bias_name = str(node.input[2]) if len(node.input) > 2 else ""
    if not bias_name:
        del node.input[2:]
        return []
    kernel = constant(graph, node.input[1])
    assert kernel is not None
    num_outputs = kernel.shape[0 if is_transposed(node) else 1]
    values = constant(graph, bias_name)
    row = None if values is None else as_row(values, num_outputs, 2)
    if values is not None and row is not None:
        if beta != 1.0 or values.shape != row.shape:
            scaled = (row * np.float32(beta)).astype(np.float32)
            node.input[2] = set_constant(graph, f"{node.output[0]}/bias", scaled)
        return []
    del node.input[2:]
    output, product = str(node.output[0]), f"{node.output[0]}/product"
    node.output[0] = product
    made = []
    if beta != 1.0:
        factor = set_constant(graph, f"{output}/beta", np.array(beta, np.float32))
        scaled_name = f"{output}/scaled_bias"
        made.append(helper.make_node("Mul", [bias_name, factor], [scaled_name], name=scaled_name))
        bias_name = scaled_name
    made.append(helper.make_node("Add", [product, bias_name], [output], name=output))
    return made


def _put(graph: GraphProto, node: NodeProto, nodes: list[NodeProto]) -> None:
    """Put `nodes`, one of which is `node`, where `node` stands."""
    place = next(index for index, other in enumerate(graph.node) if other is node or other == node)
    graph.node[place].CopyFrom(node)
    replace_node(graph, graph.node[place], nodes)


def is_transposed(node: NodeProto) -> bool:
    """Tell whether a Gemm reads its kernel as `[O, K]`."""
    return any(attribute.name == "transB" and attribute.i for attribute in node.attribute)
