"""Tidy what tf2onnx leaves in a float graph.

1. `MatMul` and `Add` of a dense layer become one `Gemm`, which runtimes run as one kernel in float and in int8, and
   which has a place for a bias that rounding asks for; scales behind it, zeros around a convolution and biases behind
   one are folded in (`onnx_fold`). On sequences, too. A `Gemm` that is there already becomes plain (`onnx_gemm`).
2. An average pool over the whole image, or a mean over rows and columns, becomes `GlobalAveragePool`, which has an
   integer kernel and gets an output scale of its own.
3. A `Reshape` of a `Reshape` becomes one; an `Identity` goes.
4. Recurrent operators start at zero by themselves.
5. Tensors are called `<layer>/kernel`, `<layer>/bias` and `<layer>`, not by TensorFlow's scopes: shorter, and readable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edgetool.exporters.onnx.graph import (
    bypass,
    constant,
    consumers,
    drop_unused,
    producers,
    rename_values,
    replace_node,
    set_constant,
    strip_details,
)
from edgetool.exporters.onnx.recurrent import start_at_zero
from edgetool.exporters.onnx.rewrite.fold import fold_conv_scales, fold_dense_scales, fold_pads
from edgetool.exporters.onnx.rewrite.fuse import fuse_layer_norm
from edgetool.exporters.onnx.rewrite.gemm import as_row, plain_gemms
from edgetool.exporters.onnx.rewrite.resize import exact_scales
from edgetool.exporters.onnx.rewrite.transposed import pad_outputs
from edgetool.ir.operators import kernel_inputs

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto

__all__ = ["merge_reshapes", "share_transposes", "tidy", "tidy_plain", "weight_nodes"]

#: Operators with a constant kernel, and which input it is.
WEIGHT_INPUT = kernel_inputs(is_tflite=False)

#: Elements of a matrix for which a Transpose node is worth its bytes.
MIN_SHARED = 1024


def tidy(model: ModelProto, layers: list[str]) -> None:
    """Tidy a float `ModelProto` in place; its outputs stay the same.

    Args:
        model: what tf2onnx gave: the names of Keras layers are parts of its names.
        layers: names of the Keras layers.
    """
    pad_outputs(model.graph)
    exact_scales(model)
    tidy_plain(model)
    _clean_names(model.graph, layers)
    _name_open_dimensions(model.graph)
    strip_details(model)


def tidy_plain(model: ModelProto) -> None:
    """Do what `tidy` does (1 to 4) to a float `ModelProto` of any origin, in place; tensors keep their names."""
    graph = model.graph
    fuse_layer_norm(model)
    plain_gemms(graph)
    fold_dense_scales(graph)
    _fuse_dense(model)
    fold_dense_scales(graph)
    fold_pads(graph)
    fold_conv_scales(graph)
    _widen_pools(model)
    _pool_means(graph)
    merge_reshapes(graph)
    start_at_zero(graph)
    drop_unused(graph)


def weight_nodes(graph: GraphProto) -> list[tuple[NodeProto, str]]:
    """Return every node with a constant kernel, and the kernel's name, in graph order."""
    names = {tensor.name for tensor in graph.initializer}
    found = []
    for node in graph.node:
        index = WEIGHT_INPUT.get(node.op_type)
        if index is not None and len(node.input) > index and node.input[index] in names:
            found.append((node, str(node.input[index])))
    return found


def share_transposes(graph: GraphProto) -> list[str]:
    """Store a matrix that a larger graph holds as its own transpose too once, and compute the other from constants.

    A token table that is the output layer as well is such a pair. onnxruntime transposes it while loading.

    Args:
        graph: modified.

    Returns:
        the names of the matrices that are no longer stored.
    """
    import onnx

    stored: dict[tuple[Any, ...], list[str]] = {}
    shared = []
    for tensor in list(graph.initializer):
        if len(tensor.dims) != 2 or np.prod(tensor.dims) < MIN_SHARED:
            continue
        rows, columns = tensor.dims
        values = onnx.numpy_helper.to_array(tensor)
        for other in stored.get((tensor.data_type, columns, rows), []):
            if np.array_equal(values.T, np.asarray(constant(graph, other))):
                graph.initializer.remove(tensor)
                graph.node.insert(0, onnx.helper.make_node("Transpose", [other], [tensor.name], perm=[1, 0]))
                shared.append(str(tensor.name))
                break
        else:
            stored.setdefault((tensor.data_type, rows, columns), []).append(tensor.name)
    return shared


def _shapes(model: ModelProto) -> dict[str, list[int]]:
    """Return tensor name -> dimensions, 0 where open."""
    import onnx

    inferred = onnx.shape_inference.infer_shapes(model)
    values = (*inferred.graph.input, *inferred.graph.value_info, *inferred.graph.output)
    return {v.name: [int(dim.dim_value) for dim in v.type.tensor_type.shape.dim] for v in values}


def _fuse_dense(model: ModelProto) -> None:
    """Rewrite `MatMul(x, W)` as `Gemm(x, W)`, and with an `Add` behind it as `Gemm(x, W, b)`.

    A sequence `x` of known length becomes a matrix of its positions before, and a sequence again behind.
    """
    from onnx import helper

    graph = model.graph
    shapes = _shapes(model)
    for product, kernel in weight_nodes(graph):
        weights = constant(graph, kernel)
        shape = shapes.get(product.output[0], [])
        if product.op_type != "MatMul" or weights is None or weights.ndim != 2:
            continue
        if len(shape) < 2 or 0 in shape[1:]:
            continue
        add, bias = _bias_behind(graph, product, weights.shape[1], len(shape))
        last = product if add is None else add
        rows, output = str(product.input[0]), str(last.output[0])
        around: tuple[list[NodeProto], list[NodeProto]] = ([], [])
        if len(shape) > 2:
            rows, output = f"{product.output[0]}__rows", f"{product.output[0]}__flat"
            around = (
                [_reshape(graph, str(product.input[0]), rows, [-1, weights.shape[0]])],
                [_reshape(graph, output, str(last.output[0]), [-1, *shape[1:]])],
            )
        gemm = helper.make_node("Gemm", [rows, kernel, *([bias] if bias else [])], [output], name=product.name)
        replace_node(graph, last, [*around[0], gemm, *around[1]])
        if add is not None:
            graph.node.remove(product)


def _reshape(graph: GraphProto, source: str, output: str, shape: list[int]) -> NodeProto:
    """Return a node that reshapes `source`."""
    from onnx import helper

    name = set_constant(graph, f"{output}__shape", np.array(shape, np.int64))
    return helper.make_node("Reshape", [source, name], [output], name=output)


def _bias_behind(graph: GraphProto, product: NodeProto, num_outputs: int, rank: int) -> tuple[NodeProto | None, str]:
    """Return the Add of a constant row that alone reads `product`, and the row's name; None and "" without one.

    The row may have any shape that adds the same to every position; it is stored as `[num_outputs]`.
    """
    follow = consumers(graph).get(product.output[0], [])
    if len(follow) != 1 or follow[0].op_type != "Add" or product.output[0] in {value.name for value in graph.output}:
        return None, ""
    bias = next((str(name) for name in follow[0].input if name != product.output[0]), "")
    values = constant(graph, bias)
    row = None if values is None else as_row(values, num_outputs, rank)
    if row is None or values is None:
        return None, ""
    if values.shape != row.shape:
        bias = set_constant(graph, f"{follow[0].output[0]}__bias", row)
    return follow[0], bias


def _widen_pools(model: ModelProto) -> None:
    """Rewrite an AveragePool whose window is the whole image as GlobalAveragePool."""
    from onnx import helper

    graph = model.graph
    shapes = _shapes(model)
    for node in list(graph.node):
        window = next((list(a.ints) for a in node.attribute if a.name == "kernel_shape"), None)
        shape = shapes.get(node.input[0], []) if node.input else []
        pads = any(any(a.ints) for a in node.attribute if a.name == "pads")
        if node.op_type == "AveragePool" and window and shape[2:] == window and not pads:
            whole = helper.make_node("GlobalAveragePool", [node.input[0]], list(node.output), name=node.name)
            replace_node(graph, node, [whole])


def _pool_means(graph: GraphProto) -> None:
    """Rewrite a ReduceMean over the rows and columns of a Transpose to channels last as GlobalAveragePool, Flatten."""
    from onnx import helper

    made = producers(graph)
    for node in [node for node in graph.node if node.op_type == "ReduceMean"]:
        transpose = made.get(node.input[0])
        axes = constant(graph, node.input[1]) if len(node.input) > 1 else None
        keeps = next((a.i for a in node.attribute if a.name == "keepdims"), 1)
        if transpose is None or transpose.op_type != "Transpose" or axes is None or keeps:
            continue
        perm = next((list(a.ints) for a in transpose.attribute if a.name == "perm"), [])
        spatial = list(range(2, len(perm)))
        if perm != [0, *spatial, 1] or sorted(axes.ravel().tolist()) != [axis - 1 for axis in spatial]:
            continue
        pooled = f"{node.output[0]}__pooled"
        pool = helper.make_node("GlobalAveragePool", [transpose.input[0]], [pooled], name=node.name)
        flat = helper.make_node("Flatten", [pooled], list(node.output), name=node.name)
        replace_node(graph, node, [pool, flat])


def _name_open_dimensions(graph: GraphProto) -> None:
    """Call the open first dimension `N` and others by tensor and axis: tf2onnx numbers them by a running counter."""
    for value in (*graph.input, *graph.output):
        for axis, dim in enumerate(value.type.tensor_type.shape.dim):
            if not dim.HasField("dim_value"):
                dim.dim_param = "N" if axis == 0 else f"{value.name}_{axis}"


def merge_reshapes(graph: GraphProto) -> None:
    """Let a Reshape read what the Reshape before it reads, unless its shape copies dimensions (0)."""
    made = producers(graph)
    for node in graph.node:
        if node.op_type != "Reshape":
            continue
        before = made.get(node.input[0])
        shape = constant(graph, node.input[1])
        if before is not None and before.op_type == "Reshape" and shape is not None and np.all(shape != 0):
            node.input[0] = before.input[0]


def _clean_names(graph: GraphProto, layers: list[str]) -> None:
    """Name tensors after Keras layers: `<layer>/kernel`, `<layer>/bias`, `<layer>`; name nodes after their output."""
    for node in list(graph.node):
        if node.op_type == "Identity" and not _is_needed(graph, node):
            bypass(graph, node)
    taken = {value.name for value in (*graph.input, *graph.output)}
    names: dict[str, str] = {}

    def claim(old: str, wanted: str) -> None:
        if old in names:
            return
        name, count = wanted, 1
        while name in taken:
            name, count = f"{wanted}/{count}", count + 1
        taken.add(name)
        names[old] = name

    constants = {tensor.name for tensor in graph.initializer}
    readers = consumers(graph)
    kernels = {node.output[0]: kernel for node, kernel in weight_nodes(graph)}
    for node in graph.node:
        # tf2onnx gives some nodes names of its own: their constants, or the fake-quantise step behind them, tell more.
        follow = [other.name for other in readers.get(node.output[0], []) if other.op_type == "QuantizeLinear"]
        scopes = [node.name, *(name for name in node.input if name in constants), node.output[0], *follow]
        layer = _layer_of(scopes, layers) or node.op_type.lower()
        kernel = kernels.get(node.output[0])
        for index, name in enumerate(node.input):
            if name not in constants:
                continue
            is_bias = node.op_type in ("Conv", "ConvTranspose", "Gemm") and index == 2
            role = "kernel" if name == kernel else "bias" if is_bias else "constant"
            claim(name, f"{layer}/{role}")
        for name in node.output:
            claim(name, layer)
    rename_values(graph, lambda name: names.get(name, name))
    for node in graph.node:
        node.name = node.output[0]


def _is_needed(graph: GraphProto, identity: NodeProto) -> bool:
    """Tell whether an Identity gives an output what an input, a constant or another output holds."""
    outputs = {value.name for value in graph.output}
    named = {value.name for value in (*graph.input, *graph.output, *graph.initializer)}
    source = identity.input[0]
    return source in {value.name for value in graph.input} or (identity.output[0] in outputs and source in named)


def _layer_of(names: list[str], layers: list[str]) -> str | None:
    """Return the Keras layer that is a part of the first of `names` to have one, the innermost scope first."""
    for name in names:
        for part in reversed(name.replace(":", "/").split("/")):
            for candidate in (part, part.rpartition("__")[0]):
                if candidate in layers:
                    return candidate
    return None
