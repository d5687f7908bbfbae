"""The activation that makes a graph's first output."""

from __future__ import annotations

import pytest

from edgetool.importers.base import activation_of
from edgetool.ir.graph import Graph, Op


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        (("Gemm", "Softmax"), "softmax"),
        (("Gemm", "Sigmoid", "Reshape", "Identity"), "sigmoid"),
        (("FULLY_CONNECTED", "SOFTMAX"), "softmax"),
        (("FULLY_CONNECTED", "LOGISTIC", "RESHAPE"), "sigmoid"),
        (("Softmax", "Gemm"), ""),
        (("Relu",), ""),
        ((), ""),
    ],
)
def test_the_last_operator_that_changes_values_counts(kinds: tuple[str, ...], expected: str) -> None:
    names = [f"t{index}" for index in range(len(kinds) + 1)]
    ops = tuple(Op(kind, f"n{i}", (names[i],), (names[i + 1],)) for i, kind in enumerate(kinds))
    assert activation_of(Graph("onnx", {}, ops, ("t0",), (names[-1],))) == expected


def test_a_graph_without_outputs_and_one_in_a_circle_end() -> None:
    assert activation_of(Graph("onnx", {}, (), (), ())) == ""
    circle = (Op("Identity", "a", ("x",), ("y",)), Op("Identity", "b", ("y",), ("x",)))
    assert activation_of(Graph("onnx", {}, circle, (), ("y",))) == ""
