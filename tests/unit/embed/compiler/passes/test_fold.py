"""Constants that are computed when C is written."""

from __future__ import annotations

import numpy as np

from edgetool.embed.compiler.passes.fold import fold_constants
from edgetool.ir.graph import Graph, Op, Tensor


def _folded(kind: str, values: np.ndarray, dtype: str, shape: tuple[int, ...]) -> Graph:
    source = Tensor("w", values.shape, str(values.dtype), None, values)
    result = Tensor("v", shape, dtype)
    return fold_constants(Graph("tflite", {"w": source, "v": result}, (Op(kind, "v", ("w",), ("v",)),), (), ("v",)))


def test_half_precision_is_widened_and_the_operator_goes() -> None:
    graph = _folded("DEQUANTIZE", np.array([1.5, -2.0], np.float16), "float32", (2,))
    found = graph.constant("v")
    assert not graph.ops and found is not None and found.dtype == np.float32 and found.tolist() == [1.5, -2.0]


def test_sparse_weights_are_dense_already() -> None:
    graph = _folded("DENSIFY", np.arange(6, dtype=np.int8).reshape(2, 3), "int8", (2, 3))
    assert not graph.ops and graph.tensors["v"].stored_bytes == 6


def test_reshaping_keeps_the_values() -> None:
    found = _folded("RESHAPE", np.arange(6, dtype=np.int8), "int8", (2, 3)).constant("v")
    assert found is not None and found.tolist() == [[0, 1, 2], [3, 4, 5]]


def test_the_shape_of_an_activation_is_a_constant() -> None:
    """Keras's Reshape takes the batch out of it and puts the new shape together."""
    tensors = {
        "x": Tensor("x", (1, 4, 3), "int8"),
        "shape": Tensor("shape", (3,), "int32"),
        **{name: Tensor(name, (1,), "int32", None, np.array([at], np.int32)) for at, name in enumerate("012")},
        "six": Tensor("six", (), "int32", None, np.array(6, np.int32)),
        "batch": Tensor("batch", (), "int32"),
        "new": Tensor("new", (3,), "int32"),
    }
    ops = (
        Op("SHAPE", "shape", ("x",), ("shape",)),
        Op("STRIDED_SLICE", "batch", ("shape", "0", "1", "1"), ("batch",), {"shrink_axis_mask": 1}),
        Op("PACK", "new", ("batch", "six", "2"), ("new",), {"axis": 0}),
    )
    tensors["2"] = Tensor("2", (), "int32", None, np.array(2, np.int32))
    found = fold_constants(Graph("tflite", tensors, ops, ("x",), ("new",)))
    values = found.constant("new")
    assert not found.ops and values is not None and values.tolist() == [1, 6, 2]


def test_results_that_are_much_larger_stay_operators() -> None:
    assert len(_folded("BROADCAST_TO", np.ones((1,), np.float32), "float32", (1 << 17,)).ops) == 1


def test_others_stay() -> None:
    assert len(_folded("DEQUANTIZE", np.array([1], np.int8), "float32", (1,)).ops) == 1
    assert len(_folded("TANH", np.array([1.0], np.float32), "float32", (1,)).ops) == 1
