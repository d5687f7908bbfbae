"""Store weights in fewer bits where activations stay float: float16, and int8 with activations quantised at run time.

Weights that a float operator reads are stored small and widened by standard operators (`Cast`, `Mul`) that depend on
constants alone: onnxruntime folds them once while loading, so they cost no time per inference.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np

from edgetool.data.dataset import Array
from edgetool.exporters.onnx.graph import constant, consumers, drop_unused, set_constant, strip_details
from edgetool.exporters.onnx.quantize.dynamic import DYNAMIC_OPS, often_read, quantize_products
from edgetool.exporters.onnx.quantize.scales import channel_scales
from edgetool.exporters.onnx.recurrent import RECURRENT_OPS, recurrent_weights
from edgetool.exporters.onnx.rewrite.tidy import weight_nodes

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto

__all__ = [
    "factors",
    "has_int8",
    "quantize_dynamic",
    "separate_tables",
    "store_half",
    "store_int8",
    "store_tables",
]

#: A Cast node takes about so many bytes: smaller tensors stay as they are.
NODE_BYTES = 64
HALF_MAX = 65504.0


def store_half(model: ModelProto) -> ModelProto:
    """Store float32 constants as float16 in `model` (modified); inputs, outputs and arithmetic stay float32.

    Tensors with values beyond float16's range, and those too small to gain, are left alone.
    """
    import onnx

    graph = model.graph
    for name in [tensor.name for tensor in graph.initializer if tensor.data_type == onnx.TensorProto.FLOAT]:
        values = constant(graph, name)
        if values is None or values.size * 2 <= NODE_BYTES or np.abs(values).max() > HALF_MAX:
            continue
        set_constant(graph, name, values.astype(np.float16))
        cast = onnx.helper.make_node("Cast", [name], [f"{name}/float"], to=onnx.TensorProto.FLOAT)
        _read_instead(graph, name, [cast])
    return model


def quantize_dynamic(model: ModelProto, *, per_channel: bool, one_scale: frozenset[str] = frozenset()) -> ModelProto:
    """Return the model with int8 weights: dense layers compute in integers, other layers widen their weights.

    Args:
        model: float `ModelProto`; modified.
        per_channel: one scale per output channel of a kernel.
        one_scale: kernels that get one scale per tensor even so.
    """
    separate_tables(model.graph)
    num = store_tables(model.graph)
    widened = often_read(model.graph)
    num += quantize_products(model.graph, per_channel=per_channel, one_scale=one_scale, without=widened)
    num += len(store_int8(model.graph, per_channel=per_channel, one_scale=one_scale, named=widened))
    num += len(store_int8(model.graph, per_channel=per_channel, one_scale=one_scale, without=DYNAMIC_OPS))
    if not num:  # a model of tiny kernels alone: int8 is what was asked for, even where it saves nothing
        store_int8(model.graph, per_channel=per_channel, one_scale=one_scale, min_size=1)
    drop_unused(model.graph)
    strip_details(model)
    return model


def has_int8(graph: GraphProto) -> bool:
    """Tell whether any constant of more than one element is int8."""
    import onnx

    return any(t.data_type == onnx.TensorProto.INT8 and np.prod(t.dims) > 1 for t in graph.initializer)


def separate_tables(graph: GraphProto) -> int:
    """Give `Gather` a copy of each table that a product reads too; returns how many.

    A token table that is the output layer as well is such a one. In integers a look-up has one scale a column, a
    product one a token: two kernels, of a byte a weight each.
    """
    num = 0
    for name, nodes in consumers(graph).items():
        table = constant(graph, name)
        lookups = [node for node in nodes if node.op_type == "Gather" and node.input[0] == name]
        if table is None or table.ndim != 2 or not lookups or len(lookups) == len(nodes):
            continue
        copy = set_constant(graph, f"{name}/table", table)
        for node in lookups:
            node.input[0] = copy
        num += 1
    return num


def store_tables(graph: GraphProto) -> int:
    """Store tables that `Gather` looks rows up in as int8, one scale a column; returns how many.

    Rows are widened behind the look-up, so that the table stays small in memory as well.
    """
    import onnx

    readers: dict[str, list[NodeProto]] = {}
    for node, name in weight_nodes(graph):
        readers.setdefault(name, []).append(node)
    num = 0
    for name, nodes in readers.items():
        table = constant(graph, name)
        plain = all(node.op_type == "Gather" and all(a.i == 0 for a in node.attribute) for node in nodes)
        if not plain or table is None or table.ndim != 2 or table.dtype != np.float32 or table.size <= NODE_BYTES:
            continue
        scales = channel_scales(table, 1, per_channel=True, exact_pairs=False)
        set_constant(graph, name, np.rint(table / scales).astype(np.int8))
        set_constant(graph, f"{name}/scale", scales)
        for node in nodes:
            rows = f"{node.output[0]}/rows"
            widen = onnx.helper.make_node("DequantizeLinear", [rows, f"{name}/scale"], list(node.output), axis=-1)
            node.output[0] = rows
            place = next(index for index, other in enumerate(graph.node) if other.output[:1] == [rows])
            graph.node.insert(place + 1, widen)
        num += 1
    return num


def store_int8(
    graph: GraphProto,
    *,
    per_channel: bool,
    one_scale: frozenset[str] = frozenset(),
    only: Sequence[str] = (),
    without: Sequence[str] = (),
    named: Collection[str] | None = None,
    min_size: int = NODE_BYTES + 1,
) -> list[str]:
    """Store kernels of float operators as int8, widened by Cast and Mul; returns their names.

    Args:
        graph: modified.
        per_channel: one scale per output channel of a kernel.
        one_scale: kernels that get one scale per tensor even so.
        only: kinds of operators whose kernels are stored so; empty: all.
        without: kinds whose kernels are left alone.
        named: the kernels that are stored so; None: all.
        min_size: kernels of fewer weights are left alone: they would take more bytes.
    """
    import onnx

    stored = []
    for node, name in (*weight_nodes(graph), *recurrent_weights(graph), *factors(graph)):
        kernel = constant(graph, name)
        if named is not None and name not in named:
            continue
        if (node.op_type in without and name in node.input[1:]) or (only and node.op_type not in only):
            continue
        if kernel is None or kernel.dtype != np.float32 or kernel.size < min_size or kernel.ndim < 2:
            continue
        scales = _widening_scales(node, name, kernel, per_channel=per_channel and name not in one_scale)
        set_constant(graph, name, np.rint(kernel / scales).astype(np.int8))
        set_constant(graph, f"{name}/scale", scales)
        cast = onnx.helper.make_node("Cast", [name], [f"{name}/cast"], to=onnx.TensorProto.FLOAT)
        scale = onnx.helper.make_node("Mul", [f"{name}/cast", f"{name}/scale"], [f"{name}/float"])
        _read_instead(graph, name, [cast, scale])
        stored.append(name)
    return stored


def factors(graph: GraphProto) -> list[tuple[NodeProto, str]]:
    """Return (node, name) of constants that are multiplied, other than kernels of `weight_nodes`.

    These are operands of `Einsum`, and matrices on the left of a product.
    """
    names = {tensor.name for tensor in graph.initializer}
    found = []
    for node in graph.node:
        places = range(len(node.input)) if node.op_type == "Einsum" else (0,) if node.op_type in DYNAMIC_OPS else ()
        found += [(node, str(node.input[place])) for place in places if node.input[place] in names]
    return found


def _widening_scales(node: NodeProto, name: str, kernel: Array, *, per_channel: bool) -> Array:
    """Return the scales of a kernel that is widened before it is read, of its rank: one a channel where asked."""
    axes = [1] if node.op_type in ("ConvTranspose", *RECURRENT_OPS) else [0]
    if node.op_type == "Einsum":
        axes = _kept_axes(node, name, kernel.ndim)
    shape = [kernel.shape[axis] if per_channel and axis in axes else 1 for axis in range(kernel.ndim)]
    rows = np.moveaxis(kernel, axes, range(len(axes))).reshape(math.prod(kernel.shape[axis] for axis in axes), -1)
    return channel_scales(rows, 0, per_channel=per_channel, exact_pairs=False).reshape(shape)


def _kept_axes(node: NodeProto, name: str, rank: int) -> list[int]:
    """Return the axes of an operand of Einsum that its output has; none where the equation leaves some out."""
    equation = next(attribute.s.decode() for attribute in node.attribute if attribute.name == "equation")
    terms, arrow, result = equation.replace(" ", "").partition("->")
    term = terms.split(",")[list(node.input).index(name)]
    if not arrow or len(term) != rank or "." in term:
        return []
    return [axis for axis, letter in enumerate(term) if letter in result]


def _read_instead(graph: GraphProto, name: str, made: list[NodeProto]) -> None:
    """Let readers of `name` read the output of the last of `made`; these go to the front of the graph."""
    output = made[-1].output[0]
    for node in graph.node:
        node.input[:] = [output if other == name else other for other in node.input]
    nodes = [*made, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
