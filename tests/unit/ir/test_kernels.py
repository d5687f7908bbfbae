"""Kernels of exported files in Keras layout."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgetool.ir import read_graph
from edgetool.ir.graph import Graph, Op, Quantization, Tensor
from edgetool.ir.kernels import centred, find_kernel, list_kernels

GOLDEN = Path(__file__).parents[2] / "golden" / "models"


def graph(kind: str, kernel: Any, *moves: Op, **attributes: Any) -> Graph:
    """Return a graph of one operator; `moves` stand between the kernel `w` and the operator's input `k`."""
    tensors = {
        "x": Tensor("x", (-1, 4), "float32"),
        "w": Tensor("w", kernel.shape, str(kernel.dtype), constant=kernel),
        "dense/y": Tensor("dense/y", (-1, 4), "float32"),
    }
    name = "k" if moves else "w"
    ops = (*moves, Op(kind, "dense/y", ("x", name), ("dense/y",), attributes))
    return Graph("", tensors, ops, ("x",), ("dense/y",))


KERNEL = np.arange(12, dtype=np.float32).reshape(4, 3)  # Keras: 4 inputs, 3 outputs


@pytest.mark.parametrize(
    ("kind", "stored", "attributes"),
    [
        ("Gemm", KERNEL, {}),
        ("Gemm", KERNEL.T, {"transB": 1}),
        ("MatMul", KERNEL, {}),
        ("FULLY_CONNECTED", KERNEL.T, {}),
    ],
)
def test_dense_kernels_come_back_as_inputs_by_outputs(kind: str, stored: Any, attributes: dict[str, Any]) -> None:
    found = find_kernel(graph(kind, stored, **attributes), "dense", (4, 3))
    assert found is not None and found.kind == kind
    np.testing.assert_array_equal(found.values, KERNEL)


@pytest.mark.parametrize(
    ("kind", "axes"),
    [("Conv", (3, 2, 0, 1)), ("CONV_2D", (3, 0, 1, 2)), ("TRANSPOSE_CONV", (2, 0, 1, 3))],
)
def test_convolutions(kind: str, axes: tuple[int, ...]) -> None:
    kernel = np.random.default_rng(0).normal(size=(3, 5, 2, 7)).astype(np.float32)
    stored = kernel.transpose(axes)
    op = graph(kind, stored)
    np.testing.assert_array_equal(list_kernels(op)[0].values, kernel)


def test_kernels_are_traced_through_dequantisation_and_transposes() -> None:
    moves = (
        Op("DequantizeLinear", "d", ("w", "s"), ("d",)),
        Op("Transpose", "k", ("d",), ("k",), {"perm": (1, 0)}),
    )
    found = find_kernel(graph("MatMul", KERNEL.T, *moves), "dense", (4, 3))
    assert found is not None and found.name == "w"
    np.testing.assert_array_equal(found.values, KERNEL)


def test_zero_points_are_taken_off() -> None:
    values = np.array([[3, 4], [3, 9]], np.uint8)
    one = Tensor("w", (2, 2), "uint8", Quantization((1.0,), (3,)), constant=values)
    np.testing.assert_array_equal(centred(one), [[0, 1], [0, 6]])
    each = Tensor("w", (2, 2), "uint8", Quantization((1.0, 1.0), (3, 4), 1), constant=values)
    np.testing.assert_array_equal(centred(each), [[0, 0], [0, 5]])


def test_the_hint_wins_over_the_shape() -> None:
    golden = read_graph(GOLDEN / "tiny.onnx")
    assert find_kernel(golden, "unknown", (9, 9)) is None
    hinted = find_kernel(golden, "unknown", (6, 5), "w1")
    assert hinted is not None and hinted.values.shape == (6, 5)


def test_kernels_of_a_real_file() -> None:
    kernels = list_kernels(read_graph(GOLDEN / "tiny_int8.tflite"))
    assert [(kernel.kind, kernel.values.shape) for kernel in kernels] == [
        ("CONV_2D", (3, 3, 2, 4)),
        ("FULLY_CONNECTED", (16, 3)),
    ]
