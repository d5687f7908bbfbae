"""What lies between an uneven input and the first product: computed in float, and told."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from edgetool.exporters.uneven_inputs import float_front_onnx, uneven_note


def graph(*nodes: onnx.NodeProto) -> onnx.GraphProto:
    constants = [numpy_helper.from_array(np.ones(4, np.float32), name) for name in ("mean", "std", "weights")]
    value = helper.make_tensor_value_info
    x, y = value("x", TensorProto.FLOAT, [None, 4]), value("y", TensorProto.FLOAT, [None, 4])
    return helper.make_graph(list(nodes), "g", [x], [y], constants)


NORMALISED = (
    helper.make_node("Sub", ["x", "mean"], ["centred"]),
    helper.make_node("Div", ["centred", "std"], ["even"]),
    helper.make_node("Gemm", ["even", "weights"], ["y"]),
)


def test_only_what_leaves_the_front_has_a_range() -> None:
    assert float_front_onnx(graph(*NORMALISED), ["x"]) == {"x", "centred"}


def test_an_input_that_a_product_reads_has_no_front() -> None:
    assert float_front_onnx(graph(helper.make_node("Gemm", ["x", "weights"], ["y"])), ["x"]) == set()


def test_a_sum_of_two_activations_is_no_front() -> None:
    both = helper.make_node("Add", ["x", "x"], ["y"])
    assert float_front_onnx(graph(both), ["x"]) == set()


def test_columns_are_named_with_what_helps() -> None:
    solved = uneven_note({0: [4, 8]}, ["table"], is_solved=True)
    assert solved.startswith("table: columns 4, 8 vary") and "float32" in solved
    advice = uneven_note({1: list(range(20))}, ["a", "b"], is_solved=False)
    assert "b: columns 0, 1, 2, 3, 4, 5, 6, 7 and 12 more" in advice and "--mean and --std" in advice
