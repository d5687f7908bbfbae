"""Inputs and kernels of convolutions and dense layers as matrices, as their sums of products pair them.

A layer with G groups of output channels is G products: `[O / G, K]` by patches `[K]`. Along K come positions first and
input channels last, as integer kernels order them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from edgetool.data.dataset import Array

if TYPE_CHECKING:
    from onnx import NodeProto

__all__ = ["MAX_PATCHES", "can_patch", "from_rows", "layout", "num_groups", "patches_of", "to_rows"]

#: Patches that are taken of one batch, at most, and values that they may have together.
MAX_PATCHES = 2048
MAX_VALUES = 4_000_000


def can_patch(node: NodeProto, kernel: Array) -> bool:
    """Tell whether the functions here know the layer: Conv over rows and columns with stated pads, Gemm, MatMul."""
    attributes = {a.name: a for a in node.attribute}
    if node.op_type == "Conv":
        return kernel.ndim == 4 and ("auto_pad" not in attributes or attributes["auto_pad"].s == b"NOTSET")
    if node.op_type == "Gemm":
        factors = [attributes[name].f for name in ("alpha", "beta") if name in attributes]
        moved = "transA" in attributes and attributes["transA"].i
        return kernel.ndim == 2 and not moved and all(factor == 1.0 for factor in factors)
    return node.op_type == "MatMul" and kernel.ndim == 2


def layout(node: NodeProto) -> tuple[bool, int, bool]:
    """Return what `to_rows` goes by: nodes that share a kernel may differ in it."""
    return node.op_type == "Conv", num_groups(node), _is_transposed(node)


def num_groups(node: NodeProto) -> int:
    """Return the number of groups of a convolution; 1 for other operators."""
    return next((int(a.i) for a in node.attribute if a.name == "group"), 1) if node.op_type == "Conv" else 1


def patches_of(values: Array, node: NodeProto, kernel_shape: tuple[int, ...], most: int = MAX_PATCHES) -> Array:
    """Return inputs as the layer multiplies them, `[G, P, K]`, P at most `most` and evenly chosen.

    Args:
        values: the layer's input: `[N, C, H, W]` for Conv, `[..., K]` for Gemm and MatMul.
        node: one that `can_patch`.
        kernel_shape: `[O, C / G, R, S]` for Conv.
        most: patches; fewer where they have many values.
    """
    if node.op_type != "Conv":
        rows = values.reshape(-1, values.shape[-1])
        return rows[_evenly(len(rows), 1, most)][None]
    attributes = {a.name: list(a.ints) for a in node.attribute}
    top, left, bottom, right = attributes.get("pads") or (0, 0, 0, 0)
    strides = attributes.get("strides") or (1, 1)
    dilations = attributes.get("dilations") or (1, 1)
    padded = np.pad(values, ((0, 0), (0, 0), (top, bottom), (left, right)))
    extent = tuple((size - 1) * step + 1 for size, step in zip(kernel_shape[2:], dilations, strict=True))
    windows = np.lib.stride_tricks.sliding_window_view(padded, extent, axis=(2, 3))
    windows = windows[:, :, :: strides[0], :: strides[1], :: dilations[0], :: dilations[1]]
    num, channels, height, width = windows.shape[:4]
    fitting = max(1, min(most, MAX_VALUES // (channels * math.prod(kernel_shape[2:]))))
    n, r, c = np.unravel_index(_evenly(num * height * width, width, fitting), (num, height, width))
    chosen = windows[n, :, r, c]  # [P, C, R, S]
    groups = num_groups(node)
    split = chosen.reshape(len(chosen), groups, channels // groups, *kernel_shape[2:])
    return split.transpose(1, 0, 3, 4, 2).reshape(groups, len(chosen), -1)


def to_rows(node: NodeProto, kernel: Array) -> Array:
    """Return a kernel as `[O, K]`."""
    if node.op_type == "Conv":
        return kernel.transpose(0, 2, 3, 1).reshape(kernel.shape[0], -1)
    return kernel if _is_transposed(node) else kernel.T


def from_rows(node: NodeProto, rows: Array, shape: tuple[int, ...]) -> Array:
    """Undo `to_rows`; `shape` is the kernel's."""
    if node.op_type == "Conv":
        return rows.reshape(shape[0], *shape[2:], shape[1]).transpose(0, 3, 1, 2)
    return rows if _is_transposed(node) else rows.T


def _evenly(count: int, width: int, most: int) -> Array:
    """Return indices below `count`, at most `most`; every column of images so wide is met equally often."""
    step = max(1, -(-count // most))
    while step > 1 and math.gcd(step, width) != 1:
        step += 1
    return np.arange(0, count, step)


def _is_transposed(node: NodeProto) -> bool:
    return any(a.name == "transB" and a.i for a in node.attribute)
