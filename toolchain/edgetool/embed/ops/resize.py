"""RESIZE_NEAREST_NEIGHBOR and RESIZE_BILINEAR: where each output row and column comes from is computed here."""

from __future__ import annotations

import math

import numpy as np

from edgetool.data.dataset import Array
from edgetool.embed.ops.checks import image_shape, output_of, require, suffix_of
from edgetool.embed.program import Fields, Step
from edgetool.ir.graph import Graph, Op

__all__ = ["lower_resize"]

#: Weights of the integer kernel have this many bits.
BITS = 10


def lower_resize(op: Op, graph: Graph) -> Step:
    """Return the call.

    Raises:
        UnsupportedModelError: other types.
    """
    source, result = graph.tensors[op.inputs[0]], output_of(op, graph)
    suffix = suffix_of(op, ("float32", "int8", "int16"), source, result)
    in_h, in_w, channels = image_shape(op, source)
    out_h, out_w, _ = image_shape(op, result)
    require(max(in_h, in_w) < 1 << 15, op, what=f"an image of {in_h} x {in_w}", expected="sides below 32,768")
    fields: Fields = {"in_w": in_w, "channels": channels, "out_h": out_h, "out_w": out_w}
    corners = bool(op.attributes.get("align_corners", False))
    half = bool(op.attributes.get("half_pixel_centers", False))
    axes = ((in_h, out_h), (in_w, out_w))
    if op.kind == "RESIZE_NEAREST_NEIGHBOR":
        rows, columns = (_nearest(size, out, corners=corners, half=half) for size, out in axes)
        fields |= {"rows": rows, "columns": columns}
        return Step(op.name, f"resize_nearest_{suffix}", (source.name,), result.name, fields)
    if op.attributes.get("unsigned", False):
        suffix = "u8"
    between = _between_floats if suffix in ("f32", "u8") else _between_integers
    (above, below, down), (left, right, across) = (between(*axis, corners=corners, half=half) for axis in axes)
    fields |= {"above": above, "below": below, "down": down, "left": left, "right": right, "across": across}
    return Step(op.name, f"resize_bilinear_{suffix}", (source.name,), result.name, fields)


def _nearest(size: int, out: int, *, corners: bool, half: bool) -> Array:
    """Return the source of each index. Source: `GetNearestNeighbor` in resize_nearest_neighbor.h."""
    ratio = np.float32(size - 1) / np.float32(out - 1) if corners and out > 1 else np.float32(size) / np.float32(out)
    positions = (np.arange(out, dtype=np.float32) + np.float32(0.5 if half else 0.0)) * ratio
    found = np.floor(positions + np.float32(0.5)) if corners else np.floor(positions)
    clipped: Array = np.clip(found, 0, size - 1).astype(np.int16)
    return clipped


def _between_integers(size: int, out: int, *, corners: bool, half: bool) -> tuple[Array, Array, Array]:
    """Return both neighbours and the distance from the first in 1/1024.

    Source: `ComputeInterpolationValuesInteger` in tflite/kernels/internal/reference/resize_bilinear.h.
    """
    one = 1 << BITS
    scale = (one * size + out // 2) // out
    if corners and out > 1:
        scale = (one * (size - 1) + (out - 1) // 2) // (out - 1)
    positions = [index * scale + (scale // 2 - one // 2 if half else 0) for index in range(out)]
    # C divides towards zero. LiteRT does not bound the first one, and reads behind the image where rounding goes up.
    lower = [min(max(math.trunc(position / one), 0), size - 1) for position in positions]
    upper = [min(math.trunc((position + one - 1) / one), size - 1) for position in positions]
    distances = [position - one * first for position, first in zip(positions, lower, strict=True)]
    return np.array(lower, np.int16), np.array(upper, np.int16), np.array(distances, np.int16)


def _between_floats(size: int, out: int, *, corners: bool, half: bool) -> tuple[Array, Array, Array]:
    """Return both neighbours and the distance from the first. Source: `ComputeInterpolationValues`, as above."""
    scale = np.float32(size - 1) / np.float32(out - 1) if corners and out > 1 else np.float32(size) / np.float32(out)
    index = np.arange(out, dtype=np.float32)
    positions = (index + np.float32(0.5)) * scale - np.float32(0.5) if half else index * scale
    lower = np.maximum(np.floor(positions), 0)
    upper = np.minimum(np.ceil(positions), size - 1)
    return lower.astype(np.int16), upper.astype(np.int16), (positions - lower).astype(np.float32)
