"""Say of an ONNX file with int8 weights which of them compute in integers, which are widened, which stayed float."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from edgetool.exporters.onnx.graph import constant
from edgetool.exporters.onnx.quantize.weights import NODE_BYTES, factors
from edgetool.exporters.onnx.recurrent import recurrent_weights
from edgetool.exporters.onnx.rewrite.tidy import weight_nodes

if TYPE_CHECKING:
    from onnx import GraphProto

__all__ = ["dynamic_notes", "float_kernels", "widened_kernels"]

#: Names that one note lists.
MAX_NAMES = 8


def dynamic_notes(graph: GraphProto) -> tuple[str, ...]:
    """Return what a file of `w8_dynamic` computes in integers, what it widens, and what is not in int8."""
    products = sum(node.op_type == "MatMulInteger" for node in graph.node)
    widened = widened_kernels(graph)
    if not products and not widened:
        small = f"no product, convolution, table or recurrent layer has more than {NODE_BYTES} weights"
        return (f"no weights are int8: {small}", *float_kernels(graph))
    if not products:
        return (*widened, *float_kernels(graph))
    integers = f"{products} products (Gemm, MatMul) compute in integers, their inputs quantised at run time"
    return (integers, *widened, *float_kernels(graph))


def widened_kernels(graph: GraphProto) -> tuple[str, ...]:
    """Return a note that counts the operators that compute in float from int8 weights; none where there is none."""
    widened = _widened(graph)
    if not widened:
        return ()
    kinds = ", ".join(f"{count} {kind}" for kind, count in widened.most_common())
    return (f"int8 weights of {kinds} are widened while loading; these operators compute in float",)


def float_kernels(graph: GraphProto) -> tuple[str, ...]:
    """Return a note that names the operators whose weights stayed float32; none where there is no such one."""
    names = []
    for node, name in (*weight_nodes(graph), *recurrent_weights(graph), *factors(graph)):
        kernel = constant(graph, name)
        if kernel is not None and kernel.dtype == np.float32 and kernel.ndim > 1 and kernel.size > NODE_BYTES:
            names.append(str(node.name or node.output[0]))
    if not names:
        return ()
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return (f"float32 weights and arithmetic in {', '.join(names[:MAX_NAMES])}{more}",)


def _widened(graph: GraphProto) -> Counter[str]:
    """Count the kinds of operators that read int8 constants after they were widened to float."""
    import onnx

    small = {tensor.name for tensor in graph.initializer if tensor.data_type == onnx.TensorProto.INT8}
    floats: set[str] = set()
    kinds: Counter[str] = Counter()
    for node in graph.node:
        widens = node.op_type == "Cast" and node.input[0] in small
        if widens or (node.op_type == "Mul" and node.output[0] == f"{node.input[0].removesuffix('/cast')}/float"):
            floats.add(node.output[0])
        elif floats.intersection(node.input) or (node.op_type == "Gather" and node.input[0] in small):
            kinds[node.op_type] += 1
    return kinds
