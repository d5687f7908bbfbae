"""What each operator holds and costs."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgetool.ir import read_graph
from edgetool.ir.graph import Graph, Op, Tensor
from edgetool.ir.layers import layer_notes, layer_records

GOLDEN = Path(__file__).parents[2] / "golden" / "models"


def test_a_quantised_file() -> None:
    conv, reshape, dense, softmax = layer_records(read_graph(GOLDEN / "tiny_int8.tflite"))
    assert (conv.num_params, conv.num_bytes, conv.macs, conv.dtype) == (76, 72 + 16, 2 * 2 * 4 * 18, "int8")
    assert (dense.num_params, dense.num_bytes, dense.macs) == (48, 48, 48)
    assert reshape.num_params == softmax.num_params == 0


def test_sparsity_and_unique_values_are_the_kernels() -> None:
    kernel = np.array([[0, 0, 1], [0, 2, 1]], np.float32)
    tensors = {"x": Tensor("x", (-1, 2), "float32"), "w": Tensor("w", (2, 3), "float32", constant=kernel)}
    graph = Graph("onnx", tensors, (Op("MatMul", "m", ("x", "w"), ("y",)),), ("x",), ("y",))
    (record,) = layer_records(graph)
    assert record.weights is not None and record.num_params == 6
    assert (record.weights.zeros, record.weights.palette) == (0.5, 3)


def test_a_shared_constant_counts_once() -> None:
    kernel = Tensor("w", (2, 2), "float32", constant=np.ones((2, 2), np.float32), stored_bytes=16)
    ops = (Op("MatMul", "a", ("x", "w"), ("h",)), Op("MatMul", "b", ("h", "w"), ("y",)))
    graph = Graph("onnx", {"x": Tensor("x", (-1, 2), "float32"), "w": kernel}, ops, ("x",), ("y",))
    assert [record.num_params for record in layer_records(graph)] == [4, 0]


def test_unknown_operators_are_named() -> None:
    graph = Graph("onnx", {}, (Op("Mystery", "m", ("x",), ("y",)),), ("x",), ("y",))
    assert "Mystery" in layer_notes(graph)[0]
