"""Fold operators on either side of a convolution or dense layer into it, where tf2onnx leaves them apart.

1. A `Mul` and `Add` of constants behind a dense layer, which batch normalisation leaves there, become part of its
   kernel and bias: on MLPerf Tiny's autoencoder 18 of 37 operators.
2. A `Pad` with zeros before a `Conv` becomes its `pads`: `Pad` has no integer kernel, so that int8 models would go
   through float there. MobileNetV2 has four.
3. A `Mul` and an `Add` of a constant a channel behind a `Conv` and a `Squeeze`, as one-dimensional convolutions have
   them, become part of the kernel and the bias: quantise-aware training knows no range in front of the `Add`, without
   which the `Conv` would stay float, and batch normalisation took a pair of quantisers for each. A `BatchNormalization`
   behind a `Conv`, which tf2onnx leaves behind those of separable convolutions, goes the same way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from edgetool.data.dataset import Array
from edgetool.exporters.onnx.graph import bypass, constant, consumers, set_constant

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto

__all__ = ["fold_conv_scales", "fold_dense_scales", "fold_pads"]

#: A kernel whose weights other than zero have fewer distinct values than this share of them is clustered: one scale a
#: channel would end that.
MIN_DISTINCT = 0.5

#: ONNX's default of the attribute `epsilon`.
BATCH_NORM_EPSILON = 1e-5


def fold_dense_scales(graph: GraphProto) -> int:
    """Fold a `Mul` of one constant a channel into the `Gemm` or `MatMul` before it, an `Add` into the `Gemm`.

    Kernels with few distinct values (clusters) and those with several readers are left alone.

    Returns:
        how many operators went.
    """
    folded = 0
    for dense in [node for node in graph.node if node.op_type in ("Gemm", "MatMul")]:
        while _fold_next(graph, dense):
            folded += 1
    return folded


def _fold_next(graph: GraphProto, dense: NodeProto) -> bool:
    """Fold the operator behind `dense` where it is a Mul or Add of a constant row."""
    readers = consumers(graph)
    follow = readers.get(dense.output[0], [])
    kernel = constant(graph, dense.input[1])
    transposed = any(a.name == "transB" and a.i for a in dense.attribute)
    if len(follow) != 1 or dense.output[0] in {value.name for value in graph.output}:
        return False
    if kernel is None or kernel.ndim != 2 or kernel.dtype != np.float32 or len(readers[dense.input[1]]) > 1:
        return False
    if any(a.f != 1.0 for a in dense.attribute if a.name in ("alpha", "beta")):
        return False
    row = _row(graph, follow[0], dense.output[0], kernel.shape[0 if transposed else 1])
    if row is None:
        return False
    if follow[0].op_type == "Mul":
        weights = kernel[kernel != 0]
        if np.unique(weights).size < MIN_DISTINCT * weights.size or not _change_bias(graph, dense, lambda b: b * row):
            return False
        set_constant(graph, dense.input[1], kernel * (row[:, None] if transposed else row))
    elif follow[0].op_type != "Add" or len(dense.input) < 3 or not _change_bias(graph, dense, lambda b: b + row):
        return False
    dense.output[0] = follow[0].output[0]
    graph.node.remove(follow[0])
    return True


def _change_bias(graph: GraphProto, dense: NodeProto, change: Callable[[Array], Array]) -> bool:
    """Replace the bias of a Gemm, if it has one; False where it is no constant. A shared one stays for the others."""
    if len(dense.input) < 3:
        return True
    bias = constant(graph, dense.input[2])
    if bias is None:
        return False
    if len(consumers(graph)[dense.input[2]]) > 1:
        dense.input[2] = f"{dense.output[0]}/bias"
    set_constant(graph, dense.input[2], change(bias).astype(np.float32))
    return True


def _row(graph: GraphProto, node: NodeProto, source: str, num_outputs: int) -> Array | None:
    """Return the constant, `[num_outputs]`, that `node` combines the channels of the tensor `source` with."""
    others = [name for name in node.input if name != source]
    row = constant(graph, others[0]) if len(others) == 1 and len(node.input) == 2 else None
    if row is None or row.ndim > 2 or row.size not in (1, num_outputs) or row.shape[-1:] not in ((), (row.size,)):
        return None
    return np.broadcast_to(row.ravel(), (num_outputs,))


def fold_conv_scales(graph: GraphProto) -> int:
    """Fold `Mul`, `Add` and `BatchNormalization` by constants a channel into the `Conv` before; returns how many went.

    A `Squeeze` of rows or columns may stand between. Kernels with few distinct values (clusters) and those with several
    readers are not scaled.
    """
    folded = 0
    for conv in [node for node in graph.node if node.op_type == "Conv"]:
        while _fold_next_of_conv(graph, conv):
            folded += 1
    return folded


def _fold_next_of_conv(graph: GraphProto, conv: NodeProto) -> bool:
    """Fold the operator behind `conv` where it is a Mul, an Add or a batch normalisation by constants a channel."""
    readers = consumers(graph)
    outputs = {value.name for value in graph.output}
    kernel, follow = constant(graph, conv.input[1]), readers.get(conv.output[0], [])
    if kernel is None or kernel.dtype != np.float32 or len(follow) != 1 or conv.output[0] in outputs:
        return False
    last, rank = conv, kernel.ndim
    if follow[0].op_type == "Squeeze":
        axes = constant(graph, follow[0].input[1]) if len(follow[0].input) > 1 else None
        if axes is None or np.any(axes % rank < 2):
            return False
        last, rank = follow[0], rank - axes.size
        follow = readers.get(last.output[0], [])
    if len(follow) != 1 or last.output[0] in outputs:
        return False
    change = _change_of_channels(graph, follow[0], last.output[0], rank, len(kernel))
    if change is None:
        return False
    scale, shift = change
    is_shared = len(readers[conv.input[1]]) > 1
    if scale is not None and (is_shared or not _scale_kernel(graph, conv, kernel, scale)):
        return False
    if shift is not None and not _add_to_bias(graph, conv, shift):
        return False
    last.output[0] = follow[0].output[0]
    graph.node.remove(follow[0])
    return True


def _change_of_channels(
    graph: GraphProto, node: NodeProto, source: str, rank: int, num_channels: int
) -> tuple[Array | None, Array | None] | None:
    """Return what `node` multiplies the channels of `source` with, and then adds to them; None for another operator."""
    if node.op_type == "BatchNormalization":
        return _normalization(graph, node, source)
    if node.op_type not in ("Mul", "Add"):
        return None
    row = _channel_row(graph, node, source, rank, num_channels)
    if row is None:
        return None
    return (row, None) if node.op_type == "Mul" else (None, row)


def _normalization(graph: GraphProto, node: NodeProto, source: str) -> tuple[Array, Array] | None:
    """Return the factor and the offset of each channel of a batch normalisation; None while it trains."""
    attributes = {attribute.name: attribute for attribute in node.attribute}
    trains = "training_mode" in attributes and attributes["training_mode"].i
    values = [constant(graph, name) for name in node.input[1:]]
    if trains or node.input[0] != source or len(node.output) > 1 or any(value is None for value in values):
        return None
    gamma, beta, mean, variance = (np.asarray(value, np.float64) for value in values)
    epsilon = attributes["epsilon"].f if "epsilon" in attributes else BATCH_NORM_EPSILON
    factor = gamma / np.sqrt(variance + epsilon)
    return factor.astype(np.float32), (beta - mean * factor).astype(np.float32)


def _scale_kernel(graph: GraphProto, conv: NodeProto, kernel: Array, row: Array) -> bool:
    """Multiply the channels of a convolution; False where its kernel is clustered, or its bias no constant."""
    weights = kernel[kernel != 0]
    if np.unique(weights).size < MIN_DISTINCT * weights.size:
        return False
    if len(conv.input) > 2 and conv.input[2] and not _change_bias(graph, conv, lambda bias: bias * row):
        return False
    set_constant(graph, conv.input[1], kernel * row.reshape(-1, *(1,) * (kernel.ndim - 1)))
    return True


def _channel_row(graph: GraphProto, node: NodeProto, source: str, rank: int, num_channels: int) -> Array | None:
    """Return the constant, `[num_channels]`, that `node` combines axis 1 of `source` with; None for another."""
    others = [name for name in node.input if name != source]
    row = constant(graph, others[0]) if len(others) == 1 else None
    if row is None or row.dtype != np.float32 or row.ndim > rank:
        return None
    shape = (1,) * (rank - row.ndim) + row.shape
    if row.size != 1 and shape != (1, num_channels, *(1,) * (rank - 2)):
        return None
    return np.broadcast_to(row.ravel(), (num_channels,))


def _add_to_bias(graph: GraphProto, conv: NodeProto, row: Array) -> bool:
    """Add to the bias of a convolution, which may have none yet; False where it is no constant."""
    if len(conv.input) < 3 or not conv.input[2]:
        del conv.input[2:]
        conv.input.append(set_constant(graph, f"{conv.output[0]}/bias", np.array(row, np.float32)))
        return True
    return _change_bias(graph, conv, lambda bias: bias + row)


def fold_pads(graph: GraphProto) -> int:
    """Fold `Pad` with zeros on spatial axes into the convolutions that read it; returns how many went."""
    folded = 0
    outputs = {value.name for value in graph.output}
    for node in [node for node in graph.node if node.op_type == "Pad"]:
        amounts = _zero_pads(graph, node)
        follow = consumers(graph).get(node.output[0], [])
        if amounts is None or node.output[0] in outputs or not follow:
            continue
        if not all(_takes_pads(other, node.output[0], amounts.size) for other in follow):
            continue
        for conv in follow:
            _add_pads(conv, amounts)
        bypass(graph, node)
        folded += 1
    return folded


def _zero_pads(graph: GraphProto, node: NodeProto) -> Array | None:
    """Return the amounts of padding `[2 * (rank - 2)]` of spatial axes; None where it is of another kind."""
    mode = next((a.s for a in node.attribute if a.name == "mode"), b"constant")
    amounts = constant(graph, node.input[1])
    value = constant(graph, node.input[2]) if len(node.input) > 2 and node.input[2] else np.zeros(())
    if mode != b"constant" or amounts is None or value is None or np.any(value != 0) or len(node.input) > 3:
        return None
    if amounts.size < 6 or np.any(amounts < 0):
        return None
    both = amounts.reshape(2, -1)
    return None if np.any(both[:, :2]) else both[:, 2:].ravel()


def _takes_pads(node: NodeProto, source: str, num: int) -> bool:
    attributes = {a.name: a for a in node.attribute}
    stated = "auto_pad" not in attributes or attributes["auto_pad"].s == b"NOTSET"
    fits = "pads" not in attributes or len(attributes["pads"].ints) == num
    return node.op_type == "Conv" and stated and fits and node.input[0] == source and source not in node.input[1:]


def _add_pads(conv: NodeProto, amounts: Array) -> None:
    from onnx import helper

    for attribute in conv.attribute:
        if attribute.name == "pads":
            attribute.ints[:] = [int(old + more) for old, more in zip(attribute.ints, amounts, strict=True)]
            return
    conv.attribute.append(helper.make_attribute("pads", [int(amount) for amount in amounts]))
