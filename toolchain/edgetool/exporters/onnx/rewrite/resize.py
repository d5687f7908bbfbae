"""Scales of Resize that give whole sizes in single precision."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgetool.exporters.onnx.graph import constant, set_constant

if TYPE_CHECKING:
    from onnx import ModelProto

__all__ = ["exact_scales"]

#: How far a size times its scale may be from a whole number that is meant.
_NEAR = 1e-3


def exact_scales(model: ModelProto) -> None:
    """Raise each scale that falls short of a whole size by rounding: runtimes take the floor of size times scale.

    tf2onnx 1.17 writes 7 rows of 10 as a scale of 0.7, and 10 times what single precision has for 0.7 is less than 7.
    """
    import onnx

    graph = model.graph
    if not any(node.op_type == "Resize" for node in graph.node):
        return
    known = onnx.shape_inference.infer_shapes(model).graph
    shapes = {
        value.name: [int(dim.dim_value) for dim in value.type.tensor_type.shape.dim]
        for value in (*known.input, *known.value_info, *known.output)
    }
    for node in graph.node:
        if node.op_type != "Resize" or len(node.input) < 3:
            continue
        scales = constant(graph, node.input[2]) if node.input[2] else None
        sizes = shapes.get(node.input[0], [])
        if scales is None or len(sizes) != scales.size or len(node.input) > 3:
            continue
        raised = np.array([_raised(size, scale) for size, scale in zip(sizes, scales, strict=True)], np.float32)
        if not np.array_equal(raised, scales):
            node.input[2] = set_constant(graph, f"{node.output[0]}__scales", raised)


def _raised(size: int, scale: np.float32) -> np.float32:
    """Return the least scale from `scale` up that makes the size that is meant; `scale` where none is."""
    meant = round(float(size) * float(scale))
    if not size or abs(float(size) * float(scale) - meant) > _NEAR:
        return scale
    raised = np.float32(scale)
    while (
        min(float(np.float32(size) * raised), float(size) * float(raised)) < meant
    ):  # onnx's shapes are in double precision
        raised = np.nextafter(raised, np.float32(np.inf))
    return raised
