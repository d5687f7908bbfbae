"""Keep a clustered kernel's few values when batch normalisation was folded into it.

Folding multiplies each output channel by its own factor g, so a kernel of 32 values becomes one of 32 a channel, and
one int8 grid for all of them holds far more (100 to 210 on ResNet-8). int8 with a scale for each channel has room for
the factor: with q = round(w / s) on one grid for the whole unfolded kernel w, and scale s * g for each channel, the
file computes the same convolution and stores as many different int8 values as w has.
"""

from __future__ import annotations

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgetool.data.dataset import Array
from edgetool.exporters.tflite.file import constant
from edgetool.exporters.tflite.kernels import operator_name, stored_weights, to_file_layout
from edgetool.invariants import Invariant, NumClusters, num_unique
from edgetool.ir.operators import OPERATORS

__all__ = ["keep_clusters"]


def keep_clusters(
    model: schema.ModelT, kernels: dict[str, int], keras_kernels: dict[str, Array], invariants: tuple[Invariant, ...]
) -> tuple[int, tuple[str, ...]]:
    """Put every int8 kernel that lost its clusters in the conversion back on one grid; edits in place.

    Args:
        model: the converted file, kernels dense.
        kernels: layer name -> index of its kernel's tensor.
        keras_kernels: layer name -> kernel in Keras layout, clustered.
        invariants: those of kind `num_clusters` are looked at.

    Returns:
        how many kernels were put back, and a sentence for each that could not be.
    """
    operators = {index: operator for operator, index in stored_weights(model)}
    kept, notes = 0, []
    for invariant in invariants:
        index = kernels.get(invariant.layer)
        if not isinstance(invariant, NumClusters) or index is None:
            continue
        values = constant(model, model.subgraphs[0].tensors[index])
        if values is None or values.dtype != np.int8 or num_unique(values) <= invariant.num_clusters:
            continue
        operator = operators[index]
        kernel = to_file_layout(keras_kernels[invariant.layer], operator_name(model, operator), values.shape)
        if kernel is None or num_unique(kernel) > invariant.num_clusters or not _regrid(model, operator, index, kernel):
            notes.append(
                f"{invariant.layer}: {num_unique(values)} int8 values after conversion, {invariant.num_clusters} "
                "asked; the folded kernel is no scaled copy of the clustered one"
            )
            continue
        regridded = num_unique(constant(model, model.subgraphs[0].tensors[index]))  # type: ignore[arg-type]
        kept += 1
        if regridded > invariant.num_clusters:
            notes.append(
                f"{invariant.layer}: {regridded} int8 values, {invariant.num_clusters} asked: batch normalisation has "
                "negative factors, which mirror the values of their channels"
            )
    return kept, tuple(notes)


def _regrid(model: schema.ModelT, operator: schema.OperatorT, index: int, kernel: Array) -> bool:
    """Store `kernel` (file layout, unfolded) on one grid with folded scales; False, unchanged, where that is not it."""
    graph = model.subgraphs[0]
    tensor = graph.tensors[index]
    stored = constant(model, tensor)
    row = OPERATORS[operator_name(model, operator)]
    if stored is None or row.channel_axis != 0 or not np.any(kernel):
        return False
    channels = kernel.shape[0]
    rows = kernel.reshape(channels, -1).astype(np.float64)
    old_scale = np.broadcast_to(np.asarray(tensor.quantization.scale, np.float64), (channels,))
    folded = stored.reshape(channels, -1) * old_scale[:, None]
    energy = np.sum(rows * rows, axis=1)
    factor = np.where(energy > 0, np.sum(folded * rows, axis=1) / np.where(energy > 0, energy, 1.0), 1.0)
    # Half a step of rounding, plus what rounding does to the estimate of the factor.
    if np.any(np.abs(folded - factor[:, None] * rows) > old_scale[:, None]):
        return False
    step = float(np.max(np.abs(rows))) / 127.0
    grid = np.clip(np.round(rows / step), -127, 127) * np.sign(factor)[:, None]
    # A channel that folding made zero stays zero, whatever its scale.
    scale = (np.where(factor == 0, 1.0, np.abs(factor)) * step).astype(np.float32)
    if not _rescale_bias(model, operator, scale):
        return False
    # A buffer of its own: the old one may be shared.
    content = grid.astype(np.int8).reshape(-1).view(np.uint8)
    model.buffers.append(schema.BufferT(data=content))
    tensor.buffer = len(model.buffers) - 1
    _set_scales(tensor, scale)
    return True


def _rescale_bias(model: schema.ModelT, operator: schema.OperatorT, scale: Array) -> bool:
    """Express the bias in its new unit, input scale times kernel scale; False where it overflows int32."""
    graph = model.subgraphs[0]
    index = int(operator.inputs[2]) if len(operator.inputs) > 2 else -1
    bias = graph.tensors[index] if index >= 0 else None
    if bias is None or bias.type == schema.TensorType.FLOAT32:
        return True
    values = constant(model, bias)
    if values is None:
        return False
    unit = np.asarray(graph.tensors[int(operator.inputs[0])].quantization.scale, np.float64)[0] * scale
    real = values.astype(np.float64) * np.asarray(bias.quantization.scale, np.float64)
    moved = np.round(real / unit)
    if np.any(np.abs(moved) > np.iinfo(values.dtype).max):
        return False
    model.buffers.append(schema.BufferT(data=moved.astype(values.dtype).view(np.uint8)))
    bias.buffer = len(model.buffers) - 1
    _set_scales(bias, unit.astype(np.float32))
    return True


def _set_scales(tensor: schema.TensorT, scale: Array) -> None:
    tensor.quantization.scale = scale
    tensor.quantization.zeroPoint = np.zeros(scale.size, np.int64)
    tensor.quantization.quantizedDimension = 0
