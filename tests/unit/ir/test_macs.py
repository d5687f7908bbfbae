"""Multiply-accumulates, computed by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgetool.ir.graph import Graph, Op, Tensor
from edgetool.ir.macs import op_macs, weight_inputs


def macs(kind: str, x: tuple[int, ...], w: tuple[int, ...], y: tuple[int, ...], **attributes: Any) -> int | None:
    tensors = {
        "x": Tensor("x", x, "float32"),
        "w": Tensor("w", w, "float32", constant=np.zeros(w, np.float32)),
        "y": Tensor("y", y, "float32"),
    }
    inputs = ("s", "w", "x") if kind == "TRANSPOSE_CONV" else ("x", "w")
    op = Op(kind, "op", inputs, ("y",), attributes)
    return op_macs(Graph("", tensors, (op,), ("x",), ("y",)), op)


@pytest.mark.parametrize(
    ("kind", "x", "w", "y", "attributes", "expected"),
    [
        ("CONV_2D", (-1, 8, 8, 3), (16, 3, 3, 3), (-1, 8, 8, 16), {}, 8 * 8 * 16 * 27),
        ("Conv", (-1, 3, 8, 8), (16, 3, 3, 3), (-1, 16, 4, 4), {}, 4 * 4 * 16 * 27),
        ("Conv", (-1, 8, 8, 8), (8, 1, 3, 3), (-1, 8, 8, 8), {"group": 8}, 8 * 8 * 8 * 9),
        ("DEPTHWISE_CONV_2D", (-1, 8, 8, 8), (1, 3, 3, 8), (-1, 8, 8, 8), {}, 8 * 8 * 8 * 9),
        ("FULLY_CONNECTED", (-1, 64), (10, 64), (-1, 10), {}, 640),
        ("Gemm", (-1, 64), (64, 10), (-1, 10), {}, 640),
        ("Gemm", (-1, 64), (10, 64), (-1, 10), {"transB": 1}, 640),
        ("MatMul", (-1, 7, 64), (64, 10), (-1, 7, 10), {}, 7 * 640),
        ("TRANSPOSE_CONV", (-1, 4, 4, 8), (3, 2, 2, 8), (-1, 8, 8, 3), {}, 4 * 4 * 8 * 12),
        ("ConvTranspose", (-1, 8, 4, 4), (8, 3, 2, 2), (-1, 3, 8, 8), {}, 4 * 4 * 8 * 12),
        ("Relu", (-1, 8), (1,), (-1, 8), {}, 0),
        ("SOFTMAX", (-1, 8), (1,), (-1, 8), {}, 0),
        ("NoSuchOperator", (-1, 8), (1,), (-1, 8), {}, None),
        ("CONV_2D", (-1, -1, 8, 3), (16, 3, 3, 3), (-1, -1, 8, 16), {}, None),
    ],
)
def test_formulas(
    kind: str,
    x: tuple[int, ...],
    w: tuple[int, ...],
    y: tuple[int, ...],
    attributes: dict[str, Any],
    expected: int | None,
) -> None:
    assert macs(kind, x, w, y, **attributes) == expected


def test_weights_by_position() -> None:
    assert weight_inputs(Op("QLinearConv", "c", ("x", "xs", "xz", "w", "ws"), ("y",))) == ("w",)
    assert weight_inputs(Op("Add", "a", ("x", "y"), ("z",))) == ()
