"""Round weights to int8 so that a layer's outputs, not its weights, change least.

For each convolution and dense layer the inputs x of calibration samples are collected as patches, with their mean and
covariance. Weights are then rounded one input after the other, and what one rounding does wrong is made good by the
weights not yet rounded, as the covariance says (GPTQ: Frantar et al. 2023, arXiv:2210.17323, algorithm 1). What is left
on average is taken from the bias: `b - (Wq - W) mean(x)`. Weights that are zero stay zero, and neighbours never exceed
the sum that saturates (`onnx_scales`). Layers with very many inputs, and clustered kernels, whose equal weights must
stay equal, are rounded to the nearest step and their biases compensated.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from edgetool.data.dataset import Array, Split
from edgetool.exporters.onnx.graph import constant, consumers, set_constant
from edgetool.exporters.onnx.quantize.calibrate import BATCH_SIZE, run_activations
from edgetool.exporters.onnx.quantize.patches import (
    MAX_PATCHES,
    can_patch,
    from_rows,
    layout,
    num_groups,
    patches_of,
    to_rows,
)
from edgetool.exporters.onnx.quantize.scales import PAIR_MAX, WEIGHT_MAX
from edgetool.exporters.onnx.rewrite.tidy import weight_nodes

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto

__all__ = ["MAX_INPUTS", "Rounding", "round_channels", "round_weights"]

#: Layers with more inputs than this are rounded plainly: the covariance would take too much memory and time.
MAX_INPUTS = 2048
MAX_SAMPLES = 200
#: What the running sums of all layers that are looked at in one run may take.
COVARIANCE_BYTES = 192 << 20
#: Added to the diagonal of the covariance, as a share of its mean (GPTQ's own value).
DAMPING = 0.01
#: Columns whose roundings are handed on to the rest together: one product of matrices instead of many of vectors.
BLOCK = 64


@dataclass(frozen=True, slots=True)
class Rounding:
    """Which kernels were rounded how; each name is in one of the three.

    Attributes:
        by_outputs: rounded so that outputs change least, biases compensated.
        compensated: rounded to the nearest step, biases compensated.
        plain: left alone: rounded to the nearest step when they are stored.
    """

    by_outputs: tuple[str, ...]
    compensated: tuple[str, ...]
    plain: tuple[str, ...]


def round_weights(
    model: ModelProto,
    scales: dict[str, Array],
    samples: Split,
    input_names: list[str],
    *,
    exact_pairs: bool,
    nearest: Collection[str] = (),
) -> Rounding:
    """Replace kernels of `model` (modified) by values on their int8 grid, and biases by compensated ones.

    Args:
        model: float `ModelProto`.
        scales: kernel name -> scale of each output channel, `[O]` or `[1]`. Other kernels are left alone.
        samples: calibration samples; at most `MAX_SAMPLES` are used.
        input_names: the graph's inputs, in the order of `samples.inputs`.
        exact_pairs: as the scales were chosen with.
        nearest: kernels whose weights are each rounded to the nearest step.
    """
    readers: dict[str, list[NodeProto]] = {}
    for node, name in weight_nodes(model.graph):
        if name in scales:
            readers.setdefault(name, []).append(node)
    plans = {name: plan for name in readers if (plan := _plan(model.graph, name, readers[name], name not in nearest))}
    chosen = samples.take(MAX_SAMPLES)
    source = type(model)()
    source.CopyFrom(model)  # layers see the activations of the float model, whichever were rounded before
    by_outputs: list[str] = []
    compensated: list[str] = []
    # OpenBLAS's threads wait for each other: on a busy machine they took 10 to 50 times as long as one.
    with threadpool_limits(1, user_api="blas"):
        for names in _groups(plans):
            layers = [_layer(model.graph, name, readers[name], plans[name]) for name in names]
            wanted = list(dict.fromkeys(place for layer in layers for place in layer.sources))
            for activations in run_activations(source, chosen, input_names, wanted):
                for layer in layers:
                    layer.add(activations)
            for layer in layers:
                is_led = layer.round(model.graph, scales[layer.name], exact_pairs)
                (by_outputs if is_led else compensated).append(layer.name)
    done = {*by_outputs, *compensated}
    return Rounding(tuple(by_outputs), tuple(compensated), tuple(name for name in readers if name not in done))


@dataclass(frozen=True, slots=True)
class _Plan:
    """How a kernel is rounded: whether by the covariance of its inputs, and the bytes that its sums take."""

    wants_covariance: bool
    num_bytes: int


def _plan(graph: GraphProto, name: str, nodes: list[NodeProto], is_free: bool) -> _Plan | None:
    """Return how a kernel is rounded; None for one that is left alone.

    Args:
        graph: that holds the kernel.
        name: of the kernel.
        nodes: that read it.
        is_free: its weights may be rounded one unlike the other.
    """
    kernel = constant(graph, name)
    if kernel is None or not all(can_patch(node, kernel) for node in nodes) or len({layout(n) for n in nodes}) != 1:
        return None
    groups, num_inputs = num_groups(nodes[0]), to_rows(nodes[0], kernel).shape[1]
    fits = is_free and num_inputs <= MAX_INPUTS
    return _Plan(fits, groups * num_inputs * (num_inputs if fits else 1) * 8)


def _layer(graph: GraphProto, name: str, nodes: list[NodeProto], plan: _Plan) -> _Layer:
    kernel = constant(graph, name)
    assert kernel is not None, "planned layers have a kernel"
    return _Layer(name, kernel, nodes, wants_covariance=plan.wants_covariance)


def _groups(plans: dict[str, _Plan]) -> Iterator[list[str]]:
    """Yield the kernels in groups whose sums take `COVARIANCE_BYTES` together; one alone may take more."""
    group: list[str] = []
    taken = 0
    for name, plan in plans.items():
        if group and taken + plan.num_bytes > COVARIANCE_BYTES:
            yield group
            group, taken = [], 0
        group.append(name)
        taken += plan.num_bytes
    if group:
        yield group


def round_channels(weights: Array, scale: Array, covariance: Array, *, exact_pairs: bool) -> Array:
    """Return integers `q`, so that `(q * scale - weights) @ x` has little variance.

    Args:
        weights: `[O, K]`, K in the order in which kernels pair neighbours.
        scale: `[O]`.
        covariance: of the inputs, `[K, K]`; where it says nothing (zeros, overflow), weights go to the nearest step.
        exact_pairs: keep neighbours from saturating (`onnx_scales`).
    """
    rest = weights.astype(np.float64) / scale[:, None]
    is_zero = weights == 0
    num = rest.shape[1]
    pair_max = PAIR_MAX if exact_pairs else 2 * WEIGHT_MAX
    factor = _correction(covariance)
    rounded = np.zeros_like(rest)
    before = np.zeros(rest.shape[0])
    for start in range(0, num, BLOCK):
        end = min(start + BLOCK, num)
        errors = np.zeros((rest.shape[0], end - start))
        for k in range(start, end):
            low = np.maximum(-WEIGHT_MAX, -pair_max - before)
            high = np.minimum(WEIGHT_MAX, pair_max - before)
            before = np.where(is_zero[:, k], 0.0, np.clip(np.rint(rest[:, k]), low, high))
            rounded[:, k] = before
            error = (rest[:, k] - before) / factor[k, k]
            rest[:, k + 1 : end] -= np.outer(error, factor[k, k + 1 : end])
            errors[:, k - start] = error
        rest[:, end:] -= errors @ factor[start:end, end:]
    return rounded


def _correction(covariance: Array) -> Array:
    """Return the upper triangular factor of the inverse of the damped covariance, `[K, K]`."""
    num = len(covariance)
    mean = float(np.mean(np.diag(covariance)))
    if not (np.isfinite(covariance).all() and mean > 0.0):
        return np.eye(num)
    damped = covariance / mean + DAMPING * np.eye(num)
    try:
        return np.asarray(np.linalg.cholesky(np.linalg.inv(damped)).T)
    except np.linalg.LinAlgError:  # more noise than signal: no covariance at all
        return np.eye(num)


class _Layer:
    """A kernel, the nodes that read it, and running sums of their inputs and of the inputs' products."""

    def __init__(self, name: str, kernel: Array, nodes: list[NodeProto], *, wants_covariance: bool) -> None:
        self.name = name
        self._kernel = kernel
        self._nodes = nodes
        self._count = 0
        self._rows = to_rows(nodes[0], kernel).astype(np.float64)
        groups, num_inputs = num_groups(nodes[0]), self._rows.shape[1]
        self._origin: Array | None = None
        self._sum: Array = np.zeros((groups, num_inputs))
        fits = wants_covariance and num_inputs <= MAX_INPUTS
        self._products: Array | None = np.zeros((groups, num_inputs, num_inputs)) if fits else None

    @property
    def sources(self) -> list[str]:
        return [str(node.input[0]) for node in self._nodes]

    def add(self, activations: dict[str, Array]) -> None:
        """Take the inputs of one batch.

        Sums are of distances from the first batch's mean: inputs that hardly vary would lose their variance in float32.
        """
        for node in self._nodes:
            values = activations.get(str(node.input[0]))
            if values is None:  # of another part of the activations
                continue
            most = max(1, MAX_PATCHES * len(values) // BATCH_SIZE)
            patches = patches_of(values, node, self._kernel.shape, most)  # [G, P, K]
            if self._origin is None:
                self._origin = patches.mean(axis=1, keepdims=True)
            patches = patches - self._origin
            self._count += patches.shape[1]
            self._sum += patches.sum(axis=1, dtype=np.float64)
            if self._products is not None:
                with np.errstate(over="ignore", invalid="ignore"):  # `_correction` sees to infinite sums
                    self._products += patches.transpose(0, 2, 1) @ patches

    def round(self, graph: GraphProto, scales: Array, exact_pairs: bool) -> bool:
        """Round the kernel in the graph and compensate biases; tells whether the covariance led the rounding."""
        has_bias = all(node.op_type in ("Conv", "Gemm") for node in self._nodes)
        assert self._origin is not None
        mean = self._origin[:, 0].astype(np.float64) + self._sum / self._count
        channels = np.broadcast_to(scales.astype(np.float64), (len(self._rows),))
        size = len(self._rows) // len(mean)  # output channels of one group
        groups = [slice(group * size, (group + 1) * size) for group in range(len(mean))]
        rounded = np.zeros_like(self._rows)
        for index, part in enumerate(groups):
            covariance = self._covariance(index, mean[index], centred=has_bias)
            rounded[part] = (
                np.rint(self._rows[part] / channels[part, None])
                if covariance is None
                else round_channels(self._rows[part], channels[part], covariance, exact_pairs=exact_pairs)
            ) * channels[part, None]
        kernel = from_rows(self._nodes[0], rounded, self._kernel.shape)
        set_constant(graph, self.name, kernel.astype(np.float32))
        if has_bias:
            shift = [(rounded[part] - self._rows[part]) @ mean[index] for index, part in enumerate(groups)]
            _compensate(graph, self._nodes, self.name, np.concatenate(shift))
        return self._products is not None

    def _covariance(self, group: int, mean: Array, *, centred: bool) -> Array | None:
        if self._products is None:
            return None
        drift = self._sum[group] / self._count
        with np.errstate(over="ignore", invalid="ignore"):
            found = self._products[group] / self._count - np.outer(drift, drift)
            return np.asarray(found if centred else found + np.outer(mean, mean))


def _compensate(graph: GraphProto, nodes: list[NodeProto], kernel: str, shift: Array) -> None:
    """Subtract `shift`, `[O]`, from the bias of every node; a layer without one gets one.

    Equal biases of several layers are one constant: a layer that shares its own gets a new one.
    """
    if not np.isfinite(shift).all():
        return
    readers = consumers(graph)
    stem = f"{kernel.rpartition('/')[0] or kernel}/bias"
    made: dict[str, str] = {}
    for node in nodes:
        old = node.input[2] if len(node.input) > 2 else ""
        bias = constant(graph, old) if old else np.zeros(())
        if bias is None:  # computed while the model runs
            continue
        if old not in made:
            alone = bool(old) and all(other in nodes for other in readers[old])
            made[old] = old if alone else _free_name(graph, stem)
            set_constant(graph, made[old], (bias - shift).astype(np.float32))
        del node.input[2:]
        node.input.append(made[old])


def _free_name(graph: GraphProto, stem: str) -> str:
    """Return `stem`, numbered where a tensor has that name."""
    taken = {name for node in graph.node for name in (*node.input, *node.output)}
    taken |= {tensor.name for tensor in graph.initializer}
    name, count = stem, 1
    while name in taken:
        name, count = f"{stem}/{count}", count + 1
    return name
