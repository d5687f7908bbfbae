"""Round weights to int8 so that a layer's outputs, not its weights, change least.

For each convolution and dense layer the inputs x of calibration samples are collected as patches, with their mean and
covariance. Weights are then rounded one input after the other, and what one rounding does wrong is made good by the
weights not yet rounded, as the covariance says (GPTQ: Frantar et al. 2023, arXiv:2210.17323, algorithm 1). What is left
on average is taken from the bias: `b - (Wq - W) mean(x)`. Weights that are zero stay zero, and neighbours never exceed
the sum that saturates (`onnx_scales`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from edgetool.data.dataset import Array, Split
from edgetool.exporters.onnx_calibrate import run_activations
from edgetool.exporters.onnx_graph import constant, set_constant
from edgetool.exporters.onnx_scales import PAIR_MAX, WEIGHT_MAX
from edgetool.exporters.onnx_tidy import weight_nodes

__all__ = ["patches_of", "round_channels", "round_weights"]

#: Layers with more inputs than this keep plain rounding: the covariance would take too much memory and time.
MAX_INPUTS = 2048
MAX_SAMPLES = 200
MAX_PATCHES = 4096
#: Added to the diagonal of the covariance, as a share of its mean (GPTQ's own value).
DAMPING = 0.01


def round_weights(
    model: Any, scales: dict[str, Array], samples: Split, input_names: list[str], *, exact_pairs: bool
) -> int:
    """Replace kernels of `model` (modified) by values on their int8 grid, and biases by compensated ones.

    Args:
        model: float `ModelProto`.
        scales: kernel name -> scale of each output channel, `[O]`. Other kernels are left alone.
        samples: calibration samples; at most `MAX_SAMPLES` are used.
        input_names: the graph's inputs, in the order of `samples.inputs`.
        exact_pairs: as the scales were chosen with.

    Returns:
        how many kernels were rounded.
    """
    graph = model.graph
    nodes = [(node, name) for node, name in weight_nodes(graph) if name in scales and _fits(graph, node, name)]
    wanted = list(dict.fromkeys(str(node.input[0]) for node, _ in nodes))
    moments = [_Moments() for _ in nodes]
    for activations in run_activations(model, samples.take(MAX_SAMPLES), input_names, wanted):
        for (node, name), moment in zip(nodes, moments, strict=True):
            kernel = constant(graph, name)
            assert kernel is not None
            moment.add(patches_of(activations[str(node.input[0])], node, kernel.shape))
    for (node, name), moment in zip(nodes, moments, strict=True):
        kernel = constant(graph, name)
        assert kernel is not None
        flat = _to_rows(node, kernel)
        has_bias = node.op_type in ("Conv", "Gemm")
        covariance = moment.covariance(centred=has_bias)
        scale = np.broadcast_to(scales[name].astype(np.float64), (flat.shape[0],))
        rounded = round_channels(flat, scale, covariance, exact_pairs=exact_pairs) * scale[:, None]
        set_constant(graph, name, _from_rows(node, rounded, kernel.shape).astype(np.float32))
        if has_bias:
            _compensate(graph, node, name, (rounded - flat) @ moment.mean())
    return len(nodes)


def round_channels(weights: Array, scale: Array, covariance: Array, *, exact_pairs: bool) -> Array:
    """Return integers `q`, so that `(q * scale - weights) @ x` has little variance.

    Args:
        weights: `[O, K]`, K in the order in which kernels pair neighbours.
        scale: `[O]`.
        covariance: of the inputs, `[K, K]`.
        exact_pairs: keep neighbours from saturating (`onnx_scales`).
    """
    rest = weights.astype(np.float64) / scale[:, None]
    is_zero = weights == 0
    num = rest.shape[1]
    damped = covariance + np.eye(num) * (DAMPING * np.mean(np.diag(covariance)) + 1e-12)
    factor = np.linalg.cholesky(np.linalg.inv(damped)).T
    rounded = np.zeros_like(rest)
    before = np.zeros(rest.shape[0])
    pair_max = PAIR_MAX if exact_pairs else 2 * WEIGHT_MAX
    for k in range(num):
        low = np.maximum(-WEIGHT_MAX, -pair_max - before)
        high = np.minimum(WEIGHT_MAX, pair_max - before)
        before = np.where(is_zero[:, k], 0.0, np.clip(np.rint(rest[:, k]), low, high))
        rounded[:, k] = before
        error = (rest[:, k] - before) / factor[k, k]
        rest[:, k + 1 :] -= np.outer(error, factor[k, k + 1 :])
    return rounded


def patches_of(values: Array, node: Any, kernel_shape: tuple[int, ...]) -> Array:
    """Return inputs as the layer multiplies them, `[P, K]` with at most `MAX_PATCHES` rows, evenly chosen.

    Args:
        values: the layer's input: `[N, C, H, W]` for Conv, `[..., K]` for Gemm and MatMul.
        node: Conv, Gemm or MatMul.
        kernel_shape: `[O, C, R, S]` for Conv.
    """
    if node.op_type != "Conv":
        rows = values.reshape(-1, values.shape[-1])
        return rows[:: max(1, -(-len(rows) // MAX_PATCHES))]
    attributes = {a.name: list(a.ints) for a in node.attribute}
    pads = attributes.get("pads") or [0, 0, 0, 0]
    strides = attributes.get("strides") or [1, 1]
    padded = np.pad(values, ((0, 0), (0, 0), (pads[0], pads[2]), (pads[1], pads[3])))
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel_shape[2:], axis=(2, 3))
    windows = windows[:, :, :: strides[0], :: strides[1]]
    samples, _, rows, columns = windows.shape[:4]
    chosen = np.arange(0, samples * rows * columns, max(1, -(-samples * rows * columns // MAX_PATCHES)))
    n, r, c = np.unravel_index(chosen, (samples, rows, columns))
    return windows[n, :, r, c].transpose(0, 2, 3, 1).reshape(len(chosen), -1)


class _Moments:
    """Running sums of patches and of their products."""

    def __init__(self) -> None:
        self._count = 0
        self._sum: Array = np.zeros(0)
        self._products: Array = np.zeros(0)

    def add(self, patches: Array) -> None:
        rows = patches.astype(np.float64)
        if not self._count:
            self._sum = np.zeros(rows.shape[1])
            self._products = np.zeros((rows.shape[1], rows.shape[1]))
        self._count += len(rows)
        self._sum += rows.sum(axis=0)
        self._products += rows.T @ rows

    def mean(self) -> Array:
        return self._sum / self._count

    def covariance(self, *, centred: bool) -> Array:
        products = self._products / self._count
        return products - np.outer(self.mean(), self.mean()) if centred else products


def _fits(graph: Any, node: Any, name: str) -> bool:
    """Tell whether the layer is one that `patches_of` knows: no groups, no dilation, two spatial dimensions."""
    kernel = constant(graph, name)
    if kernel is None or any(a.name == "transB" and a.i for a in node.attribute):
        return False
    if node.op_type == "Conv":
        plain = all(
            not (a.name == "group" and a.i != 1)
            and not (a.name == "dilations" and any(item != 1 for item in a.ints))
            and not (a.name == "auto_pad" and a.s not in (b"", b"NOTSET"))
            for a in node.attribute
        )
        return plain and kernel.ndim == 4 and kernel[0].size <= MAX_INPUTS
    return node.op_type in ("Gemm", "MatMul") and kernel.ndim == 2 and kernel.shape[0] <= MAX_INPUTS


def _to_rows(node: Any, kernel: Array) -> Array:
    """Return `[O, K]`; positions first, input channels last, as integer kernels order them."""
    if node.op_type == "Conv":
        return kernel.transpose(0, 2, 3, 1).reshape(kernel.shape[0], -1).astype(np.float64)
    return kernel.T.astype(np.float64)


def _from_rows(node: Any, rows: Array, shape: tuple[int, ...]) -> Array:
    if node.op_type == "Conv":
        return rows.reshape(shape[0], *shape[2:], shape[1]).transpose(0, 3, 1, 2)
    return rows.T


def _compensate(graph: Any, node: Any, kernel: str, shift: Array) -> None:
    """Subtract `shift`, `[O]`, from the layer's bias; a layer without one gets one."""
    if len(node.input) > 2:
        bias = constant(graph, node.input[2])
        if bias is not None:
            set_constant(graph, node.input[2], (bias - shift).astype(np.float32))
        return
    node.input.append(set_constant(graph, f"{kernel.rpartition('/')[0] or kernel}/bias", -shift.astype(np.float32)))
