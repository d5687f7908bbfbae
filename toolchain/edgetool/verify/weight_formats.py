"""Compare how a file stores its weights with what its recipe asked for."""

from __future__ import annotations

from collections.abc import Mapping

from edgetool.ir.graph import Graph
from edgetool.ir.kernels import find_kernel, list_kernels
from edgetool.ir.weight_format import format_of
from edgetool.passes.base import ModelState
from edgetool.records import KernelFormat, WeightsRecord

__all__ = ["compare_weights"]


def compare_weights(graph: Graph, state: ModelState, kernels: Mapping[str, str]) -> WeightsRecord:
    """Return what was asked of the weights, and the format of every kernel in the file.

    Args:
        graph: of the exported file.
        state: what was exported: its scheme and its invariants say what was asked.
        kernels: Keras layer name -> name of its kernel's tensor in the file, where the exporter knows it.
    """
    layer_of = {tensor: layer for layer, tensor in kernels.items()}
    for invariant in state.invariants:
        kernel = find_kernel(graph, invariant.layer, invariant.kernel_shape, kernels.get(invariant.layer))
        if kernel is not None:
            layer_of[kernel.name] = invariant.layer
    formats: list[KernelFormat] = []
    for kernel in list_kernels(graph):
        tensor = graph.tensors.get(kernel.name)
        if tensor is None or tensor.constant is None:
            continue
        layer = layer_of.get(kernel.name, kernel.op)
        stored = format_of(tensor)
        unmet = state.weight_format(layer).unmet_by(stored, tensor.num_elements)
        formats.append(KernelFormat(layer, kernel.name, tensor.num_elements, stored, unmet))
    return WeightsRecord(state.quantization.weights, tuple(formats))
