"""Store weights in fewer bits where activations stay float: float16, and int8 with activations quantised at run time.

Weights that a float operator reads are stored small and widened by standard operators (`Cast`, `Mul`) that depend on
constants alone: onnxruntime folds them once while loading, so they cost no time per inference.
"""

from __future__ import annotations

import contextlib
import logging
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgetool.data.dataset import Array
from edgetool.exporters.onnx_graph import constant, drop_unused, set_constant, strip_details
from edgetool.exporters.onnx_recurrent import RECURRENT_OPS, recurrent_weights
from edgetool.exporters.onnx_scales import channel_scales
from edgetool.exporters.onnx_tidy import weight_nodes

__all__ = ["float_products", "quantize_dynamic", "store_half", "store_int8", "store_tables"]

#: A Cast node takes about so many bytes: smaller tensors stay as they are.
NODE_BYTES = 64
HALF_MAX = 65504.0
#: Operators whose float input onnxruntime quantises at run time faster than it computes in float.
DYNAMIC_OPS = ("Gemm", "MatMul")


def store_half(model: Any) -> Any:
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


def quantize_dynamic(model: Any, *, per_channel: bool, one_scale: frozenset[str] = frozenset()) -> Any:
    """Return the model with int8 weights: dense layers compute in integers, other layers widen their weights.

    Args:
        model: float `ModelProto`; modified.
        per_channel: one scale per output channel of a kernel.
        one_scale: kernels that get one scale per tensor even so.
    """
    from onnxruntime.quantization import QuantType
    from onnxruntime.quantization import quantize_dynamic as ort_quantize_dynamic

    store_tables(model.graph)
    kernels = {name: constant(model.graph, name) for _, name in weight_nodes(model.graph)}
    store_int8(model.graph, per_channel=per_channel, one_scale=one_scale, without=DYNAMIC_OPS)
    with tempfile.TemporaryDirectory(prefix="edgetool-") as folder:
        target = Path(folder) / "dynamic.onnx"
        with _without_advice():
            ort_quantize_dynamic(
                model,
                target,
                op_types_to_quantize=list(DYNAMIC_OPS),
                per_channel=per_channel,
                weight_type=QuantType.QInt8,
                extra_options={"MatMulConstBOnly": True},
            )
        import onnx

        result = onnx.load(target)
    _set_exact_scales(result.graph, kernels, per_channel, one_scale)
    drop_unused(result.graph)
    strip_details(result)
    return result


@contextlib.contextmanager
def _without_advice() -> Iterator[None]:
    """Keep onnxruntime from logging advice: to tidy the graph, which is done, and not to go on after QAT."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def float_products(graph: Any) -> list[str]:
    """Return the float32 kernels, larger than a node, of products that `quantize_dynamic` computes in integers."""
    found = []
    for node, name in weight_nodes(graph):
        kernel = constant(graph, name)
        if node.op_type in DYNAMIC_OPS and kernel is not None and kernel.dtype == np.float32:
            found += [name] if kernel.size > NODE_BYTES else []
    return found


def store_tables(graph: Any) -> int:
    """Store tables that `Gather` looks rows up in as int8, one scale a column; returns how many.

    Rows are widened behind the look-up, so that the table stays small in memory as well.
    """
    import onnx

    readers: dict[str, list[Any]] = {}
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
    graph: Any,
    *,
    per_channel: bool,
    one_scale: frozenset[str] = frozenset(),
    only: Sequence[str] = (),
    without: Sequence[str] = (),
) -> list[str]:
    """Store kernels of float operators as int8, widened by Cast and Mul; returns their names.

    Args:
        graph: modified.
        per_channel: one scale per output channel of a kernel.
        one_scale: kernels that get one scale per tensor even so.
        only: kinds of operators whose kernels are stored so; empty: all.
        without: kinds whose kernels are left alone.
    """
    import onnx

    stored = []
    for node, name in (*weight_nodes(graph), *recurrent_weights(graph)):
        kernel = constant(graph, name)
        if node.op_type in without or (only and node.op_type not in only):
            continue
        if kernel is None or kernel.dtype != np.float32 or kernel.size <= NODE_BYTES:
            continue
        axis = 1 if node.op_type in ("ConvTranspose", *RECURRENT_OPS) else 0
        each = per_channel and name not in one_scale
        scales = channel_scales(kernel, axis, per_channel=each, exact_pairs=False)
        shape = [1] * kernel.ndim
        shape[axis] = scales.size
        scales = scales.reshape(shape)
        set_constant(graph, name, np.rint(kernel / scales).astype(np.int8))
        set_constant(graph, f"{name}/scale", scales)
        cast = onnx.helper.make_node("Cast", [name], [f"{name}/cast"], to=onnx.TensorProto.FLOAT)
        scale = onnx.helper.make_node("Mul", [f"{name}/cast", f"{name}/scale"], [f"{name}/float"])
        _read_instead(graph, name, [cast, scale])
        stored.append(name)
    return stored


def _read_instead(graph: Any, name: str, made: list[Any]) -> None:
    """Let readers of `name` read the output of the last of `made`; these go to the front of the graph."""
    output = made[-1].output[0]
    for node in graph.node:
        node.input[:] = [output if other == name else other for other in node.input]
    nodes = [*made, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def _set_exact_scales(
    graph: Any, kernels: dict[str, Array | None], per_channel: bool, one_scale: frozenset[str]
) -> None:
    """Replace the quantiser's int8 weights by ones that never saturate (`onnx_scales`), under short names."""
    for name, kernel in kernels.items():
        stored = f"{name}_quantized"
        old = constant(graph, f"{name}_scale")
        if kernel is None or old is None or constant(graph, stored) is None:
            continue
        each = per_channel and old.size > 1
        scales = channel_scales(kernel, kernel.ndim - 1, per_channel=each and name not in one_scale, exact_pairs=True)
        set_constant(graph, stored, np.rint(kernel / scales).astype(np.int8))
        set_constant(graph, f"{name}_scale", np.broadcast_to(scales, old.shape) if old.ndim else scales.reshape(()))
        for tensor in graph.initializer:
            if tensor.name == stored:
                tensor.name = name
        for node in graph.node:
            node.input[:] = [name if other == stored else other for other in node.input]
