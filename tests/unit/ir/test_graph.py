"""Graphs built by hand."""

from __future__ import annotations

import numpy as np
import pytest

from edgetool.ir.graph import Graph, Op, Tensor, element_bytes

WEIGHT = Tensor("w", (2, 3), "float32", constant=np.ones((2, 3), np.float32))
GRAPH = Graph(
    "onnx",
    {"x": Tensor("x", (-1, 3), "float32"), "w": WEIGHT, "t": Tensor("t", (3, 2), "float32")},
    (Op("Transpose", "t", ("w",), ("t",)), Op("MatMul", "y", ("x", "t"), ("y",))),
    ("x",),
    ("y",),
)


@pytest.mark.parametrize(
    ("dtype", "size"), [("float32", 4.0), ("int8", 1.0), ("int4", 0.5), ("bfloat16", 2.0), ("string", 1.0), ("?", 1.0)]
)
def test_bytes_of_an_element(dtype: str, size: float) -> None:
    assert element_bytes(dtype) == size


def test_open_dimensions_count_as_one_and_packed_bytes_round_up() -> None:
    assert Tensor("a", (-1, 3, 5), "float32").num_bytes == 60
    assert Tensor("a", (5,), "int4").num_bytes == 3


def test_producers_and_what_is_computed_from_constants_alone() -> None:
    assert GRAPH.producers()["y"].kind == "MatMul"
    assert GRAPH.constant_outputs() == {"t"}
    assert GRAPH.constant("w") is WEIGHT.constant and GRAPH.constant("x") is None and GRAPH.constant("none") is None
