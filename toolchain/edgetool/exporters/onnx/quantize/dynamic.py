"""Compute dense layers in integers whose inputs are quantised while the model runs.

    DynamicQuantizeLinear(x) -> xq, sx, zx ;  y = Cast(MatMulInteger(xq, Wq, zx)) * (sx * sw) + bias

onnxruntime fuses these into one kernel. Its own `quantize_dynamic` is not used: it quantises a transposed kernel under
another name, leaves out any `Gemm` whose `alpha` or `beta` is not 1, gives a stack of matrices scales that its kernel
refuses, and its weights saturate on CPUs without VNNI (onnxruntime#25890, #25489). Here scales keep neighbouring
products from saturating (`onnx_scales`), so that every CPU computes what the specification says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgetool.data.dataset import Array
from edgetool.exporters.onnx.graph import constant, consumers, replace_node, set_constant
from edgetool.exporters.onnx.quantize.scales import channel_scales, stack_scale
from edgetool.exporters.onnx.rewrite.gemm import is_transposed, plain_gemms
from edgetool.exporters.onnx.rewrite.tidy import weight_nodes

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto

__all__ = ["DYNAMIC_OPS", "often_read", "quantize_products"]

#: Operators whose float input is quantised at run time faster than they compute in float.
DYNAMIC_OPS = ("Gemm", "MatMul")
#: Bytes of the nodes that stand for one product in integers, about, and those that int8 saves of a weight.
PRODUCT_BYTES = 300
SAVED_BYTES = 3


def often_read(graph: GraphProto) -> frozenset[str]:
    """Return the kernels that so many products read that their nodes would take more bytes than int8 saves.

    A recurrent layer that is written out reads its kernels once a step.
    """
    num_products: dict[str, int] = {}
    sizes: dict[str, int] = {}
    for node, name in weight_nodes(graph):
        kernel = constant(graph, name)
        if node.op_type in DYNAMIC_OPS and kernel is not None and _is_matrix(kernel):
            num_products[name] = num_products.get(name, 0) + 1
            sizes[name] = kernel.size
    return frozenset(
        name for name, num in num_products.items() if num > 1 and num * PRODUCT_BYTES > SAVED_BYTES * sizes[name]
    )


def quantize_products(
    graph: GraphProto,
    *,
    per_channel: bool,
    one_scale: frozenset[str] = frozenset(),
    without: frozenset[str] = frozenset(),
) -> int:
    """Rewrite `Gemm` and `MatMul` with a constant float32 kernel in `graph` (modified); returns how many.

    Args:
        graph: float, its nodes in topological order.
        per_channel: one scale per output channel of a kernel; a stack of matrices always has one scale.
        one_scale: kernels that get one scale per tensor even so.
        without: kernels that are left alone.
    """
    plain_gemms(graph)
    readers = consumers(graph)
    layers: dict[tuple[str, bool], list[NodeProto]] = {}
    for node, name in weight_nodes(graph):
        if node.op_type in DYNAMIC_OPS and name not in without and _is_matrix(constant(graph, name)):
            layers.setdefault((name, is_transposed(node)), []).append(node)
    kernels: dict[str, str] = {}
    for (name, turned), nodes in layers.items():
        alone = len(readers[name]) == len(nodes)
        stored = name if alone else f"{name}/{'transposed' if turned else 'int8'}"
        _store_kernel(graph, name, stored, turned=turned, per_channel=per_channel and name not in one_scale)
        kernels |= {str(node.output[0]): stored for node in nodes}
    inputs: dict[str, tuple[str, str, str]] = {}
    for node in [node for node in graph.node if node.output[0] in kernels]:
        _rewrite(graph, node, kernels[node.output[0]], inputs)
    return len(kernels)


def _is_matrix(kernel: Array | None) -> bool:
    return kernel is not None and kernel.dtype == np.float32 and kernel.ndim > 1


def _store_kernel(graph: GraphProto, name: str, stored: str, *, turned: bool, per_channel: bool) -> None:
    """Add the kernel `name` as int8 `[..., K, O]`, and its scale, `[O]` or `[]`."""
    kernel = constant(graph, name)
    assert kernel is not None
    matrix = kernel.T if turned else kernel
    if matrix.ndim == 2:
        scales = channel_scales(matrix, 1, per_channel=per_channel, exact_pairs=True)
    else:
        scales = stack_scale(matrix, exact_pairs=True)
    set_constant(graph, stored, np.rint(matrix / scales).astype(np.int8))
    set_constant(graph, f"{stored}/scale", scales if scales.size > 1 else scales.reshape(()))


def _rewrite(graph: GraphProto, node: NodeProto, kernel: str, inputs: dict[str, tuple[str, str, str]]) -> None:
    """Replace `node` by its product in integers.

    Args:
        graph: modified.
        node: a plain Gemm or MatMul.
        kernel: name of the int8 kernel.
        inputs: float tensor -> its integers, scale and zero point, of those that are quantised already; added to.
    """
    from onnx import TensorProto, helper

    source, output = str(node.input[0]), str(node.output[0])
    bias = str(node.input[2]) if len(node.input) > 2 else ""
    nodes = []
    if source not in inputs:
        inputs[source] = (f"{source}/integers", f"{source}/scale", f"{source}/zero_point")
        nodes.append(helper.make_node("DynamicQuantizeLinear", [source], list(inputs[source])))
    integers, scale, zero_point = inputs[source]
    product = f"{output}/scaled" if bias else output
    names = {key: f"{output}/{key}" for key in ("sum", "float", "scales")}
    nodes += [
        helper.make_node("MatMulInteger", [integers, kernel, zero_point], [names["sum"]], name=names["sum"]),
        helper.make_node("Cast", [names["sum"]], [names["float"]], to=TensorProto.FLOAT),
        helper.make_node("Mul", [scale, f"{kernel}/scale"], [names["scales"]]),
        helper.make_node("Mul", [names["float"], names["scales"]], [product]),
    ]
    if bias:
        nodes.append(helper.make_node("Add", [product, bias], [output]))
    replace_node(graph, node, nodes)
