"""Shapes of ONNX graphs are inferred, and graphs that would take all the memory are not followed."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from edgetool.ir import onnx_shapes
from edgetool.ir.onnx_shapes import infer_shapes


def model(nodes: list[Any], **constants: Any) -> Any:
    initializers = [numpy_helper.from_array(np.array(value, np.int64), name) for name, value in constants.items()]
    inputs = [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [6, 4])]
    outputs = [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)]
    graph = helper.make_graph(nodes, "g", inputs, outputs, initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])


def shape_of(found: Any, name: str) -> list[int]:
    values = {value.name: value for value in (*found.graph.value_info, *found.graph.output)}
    return [int(dim.dim_value) for dim in values[name].type.tensor_type.shape.dim]


def test_shapes_that_are_computed_are_followed() -> None:
    nodes = [
        helper.make_node("Shape", ["x"], ["s"]),
        helper.make_node("Concat", ["k", "s"], ["both"], axis=0),
        helper.make_node("Reshape", ["x", "both"], ["y"]),
    ]
    assert shape_of(infer_shapes(model(nodes, k=[1])), "y") == [1, 6, 4]


@pytest.mark.skipif(sys.platform != "linux", reason="memory is bounded on Linux only")
def test_a_long_range_is_not_written_out() -> None:
    nodes = [
        helper.make_node("Range", ["start", "end", "step"], ["r"]),
        helper.make_node("Cast", ["r"], ["c"], to=onnx.TensorProto.FLOAT),
        helper.make_node("Add", ["c", "z"], ["y"]),
    ]
    found = infer_shapes(model(nodes, start=0, end=1 << 34, step=1, z=[0]))
    assert shape_of(found, "c") == [1 << 34]


@pytest.mark.skipif(sys.platform != "linux", reason="memory is bounded on Linux only")
def test_a_tensor_that_is_joined_with_itself_over_and_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_shapes, "ALLOWANCE_BYTES", 1 << 26)  # to fill the product's takes half a minute
    nodes = [helper.make_node("Concat", [f"c{i}", f"c{i}"], [f"c{i + 1}"], axis=0) for i in range(34)]
    nodes.append(helper.make_node("Cast", ["c34"], ["y"], to=onnx.TensorProto.FLOAT))
    assert shape_of(infer_shapes(model(nodes, c0=[1, 2])), "y") == [1 << 35]
