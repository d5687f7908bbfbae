"""RESIZE_*: where rows and columns come from."""

from __future__ import annotations

import numpy as np

from edgetool.embed.ops.resize import lower_resize
from edgetool.ir.graph import Graph, Op, Quantization, Tensor


def _rows(kind: str, size: int, out: int, *names: str, dtype: str = "float32", **attributes: bool) -> list[list[float]]:
    scale = Quantization((0.5,), (0,)) if dtype != "float32" else None
    tensors = {"x": Tensor("x", (1, size, 1, 1), dtype, scale), "y": Tensor("y", (1, out, 1, 1), dtype, scale)}
    op = Op(kind, "y", ("x",), ("y",), dict(attributes))
    fields = lower_resize(op, Graph("tflite", tensors, (op,), ("x",), ("y",))).fields
    found = []
    for name in names:
        values = fields[name]
        assert isinstance(values, np.ndarray)
        found.append(values.tolist())
    return found


def test_nearest() -> None:
    assert _rows("RESIZE_NEAREST_NEIGHBOR", 2, 4, "rows") == [[0, 0, 1, 1]]
    assert _rows("RESIZE_NEAREST_NEIGHBOR", 3, 5, "rows", align_corners=True) == [[0, 1, 1, 2, 2]]


def test_between_with_centres_and_corners() -> None:
    above, below, down = _rows("RESIZE_BILINEAR", 2, 4, "above", "below", "down", half_pixel_centers=True)
    assert (above, below) == ([0, 0, 0, 1], [0, 1, 1, 1]) and down == [-0.25, 0.25, 0.75, 0.25]
    assert _rows("RESIZE_BILINEAR", 2, 3, "down", align_corners=True) == [[0.0, 0.5, 0.0]]


def test_integers_count_in_1024ths() -> None:
    for dtype in ("int8", "int16"):
        assert _rows("RESIZE_BILINEAR", 2, 4, "down", dtype=dtype) == [[0, 512, 0, 512]]
