"""Padding that is an operator of its own becomes the padding of the convolution behind it."""

from __future__ import annotations

import dataclasses
from collections import Counter

import numpy as np

from edgetool.embed.ops import ALIASES
from edgetool.ir.graph import Graph, Op, Tensor
from edgetool.ir.operators import Family, names_of

__all__ = ["fuse_pads"]

CONVOLUTIONS = names_of(Family.CONVOLUTION, Family.DEPTHWISE, is_tflite=True)
PADS = ("PAD", "PADV2")

#: What is added to an axis, in front and behind.
Pad = tuple[int, int]


def fuse_pads(graph: Graph) -> Graph:
    """Return the graph with PAD and PADV2 in front of convolutions as these convolutions' attribute `pads`.

    The padded copy is then never made. It takes a convolution without padding of its own that is the copy's only
    reader, be it through a change of shape, as one-dimensional convolutions have it; padding of rows and columns
    alone, smaller than the window; and the value that a convolution pads with: the zero point, or 0.
    """
    makers = graph.producers()
    readers = Counter([name for op in graph.ops for name in op.inputs] + list(graph.outputs))
    tensors, replaced = dict(graph.tensors), {}
    for op in graph.ops:
        if op.kind not in CONVOLUTIONS or op.attributes.get("padding") != "VALID" or not op.inputs:
            continue
        view = makers.get(op.inputs[0])
        if view is not None and (view.kind not in ALIASES or readers[op.inputs[0]] != 1):
            view = None
        padded = op.inputs[0] if view is None else view.inputs[0]
        pad = makers.get(padded)
        if pad is None or pad.kind not in PADS or readers[padded] != 1:
            continue
        pads = _image_pads(pad, tensors, tensors[op.inputs[0]])
        if pads is None or not _is_inside_window(op, tensors, pads) or not _is_zero(pad, tensors):
            continue
        source = pad.inputs[0]
        if view is not None:
            image = tensors[view.outputs[0]]
            sizes = [size - sum(pads.get(axis, (0, 0))) for axis, size in enumerate(image.shape)]
            tensors[image.name] = dataclasses.replace(image, shape=tuple(sizes))
            replaced[view.outputs[0]] = dataclasses.replace(view, inputs=(source, *view.inputs[1:]))
            source = image.name
        attributes = {**op.attributes, "pads": (pads.get(1, (0, 0))[0], pads.get(2, (0, 0))[0])}
        replaced[op.outputs[0]] = dataclasses.replace(op, inputs=(source, *op.inputs[1:]), attributes=attributes)
    ops = tuple(replaced.get(op.outputs[0], op) if op.outputs else op for op in graph.ops)
    return dataclasses.replace(graph, tensors=tensors, ops=ops)


def _image_pads(pad: Op, tensors: dict[str, Tensor], image: Tensor) -> dict[int, Pad] | None:
    """Return the padding of the axes of `[1, H, W, C]`; None where it cannot be told, or is not of H and W alone."""
    values = tensors[pad.inputs[1]].constant
    padded = tensors[pad.outputs[0]]
    if values is None or values.size != 2 * len(padded.shape) or len(image.shape) != 4 or int(values.min()) < 0:
        return None
    rows = [(int(before), int(behind)) for before, behind in values.reshape(-1, 2)]
    # Axes of one element come and go where the shape changes; the others keep their order.
    given = [(size, row) for size, row in zip(padded.shape, rows, strict=True) if size != 1]
    axes = [axis for axis, size in enumerate(image.shape) if size != 1]
    if [size for size, _ in given] != [image.shape[axis] for axis in axes]:
        return None
    found = {axis: row for axis, (_, row) in zip(axes, given, strict=True) if row != (0, 0)}
    return found if found and set(found) <= {1, 2} else None


def _is_inside_window(op: Op, tensors: dict[str, Tensor], pads: dict[int, Pad]) -> bool:
    """Tell whether every window has a row and a column of the image: what convolutions pad by themselves is so."""
    weights = tensors[op.inputs[1]].shape if len(op.inputs) > 1 else ()
    if len(weights) != 4:
        return False
    for axis, dilation in ((1, "dilation_h_factor"), (2, "dilation_w_factor")):
        extent = (weights[axis] - 1) * int(op.attributes.get(dilation, 1)) + 1
        if max(pads.get(axis, (0, 0))) >= extent:
            return False
    return True


def _is_zero(pad: Op, tensors: dict[str, Tensor]) -> bool:
    """Tell whether the padding holds the zero point, or 0 where nothing is quantised, in the scale of the source."""
    source, result = tensors[pad.inputs[0]], tensors[pad.outputs[0]]
    if source.constant is not None or source.dtype != result.dtype or source.quantization != result.quantization:
        return False
    quantization = source.quantization
    zero = quantization.zero_point[0] if quantization is not None and quantization.zero_point else 0
    if pad.kind == "PADV2" and len(pad.inputs) > 2:
        value = tensors[pad.inputs[2]].constant
        return value is not None and value.size == 1 and bool(np.all(value == zero))
    return True
