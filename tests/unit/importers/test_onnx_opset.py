"""Models of old operator sets become what onnxruntime has kernels for, and compute what they did."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import helper, numpy_helper

from edgetool.errors import UnsupportedModelError
from edgetool.importers.onnx_opset import raise_old_opset

VALUES = np.arange(1.0, 5.0, dtype=np.float32)


def model(opset: int) -> Any:
    """Return a batch normalisation as exporters of that operator set wrote it."""
    attributes: dict[str, Any] = {"epsilon": 1e-5, "is_test": 1} if opset < 7 else {"epsilon": 1e-5}
    if opset < 6:
        attributes["consumed_inputs"] = [0, 0, 0, 1, 1]
    constants = [numpy_helper.from_array(VALUES * (i + 1), name) for i, name in enumerate(("s", "b", "m", "v"))]
    names = ["x", *(constant.name for constant in constants)]
    node = helper.make_node("BatchNormalization", names, ["y"], **attributes)
    values = [helper.make_tensor_value_info(name, 1, [1, 4, 2, 2] if name == "x" else [4]) for name in names]
    result = helper.make_tensor_value_info("y", 1, [1, 4, 2, 2])
    graph = helper.make_graph([node], "g", values, [result], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=3)


@pytest.mark.parametrize("opset", [5, 6])
def test_an_old_model_is_raised_and_computes_the_same(opset: int) -> None:
    raised, found = raise_old_opset(model(opset), "m.onnx")
    assert found == opset
    session = onnxruntime.InferenceSession(raised.SerializeToString(), providers=["CPUExecutionProvider"])
    x = np.random.default_rng(0).normal(size=(1, 4, 2, 2)).astype(np.float32)
    scale, bias, mean, variance = (VALUES[:, None, None] * (i + 1) for i in range(4))
    expected = (x - mean) / np.sqrt(variance + 1e-5) * scale + bias
    assert np.abs(session.run(None, {"x": x})[0] - expected).max() < 1e-5


def test_open_dimensions_and_broadcasts_along_an_axis_are_raised() -> None:
    nodes = [
        helper.make_node("Add", ["x", "b"], ["a"], broadcast=1, axis=1),
        helper.make_node("GlobalAveragePool", ["a"], ["p"]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("Gemm", ["f", "w", "c"], ["y"], broadcast=1, transB=1),
    ]
    random = np.random.default_rng(0)
    arrays = {"b": VALUES, "w": random.normal(size=(3, 4)).astype(np.float32), "c": VALUES[:3]}
    constants = [numpy_helper.from_array(array, name) for name, array in arrays.items()]
    values = [helper.make_tensor_value_info(name, 1, array.shape) for name, array in arrays.items()]
    image = helper.make_tensor_value_info("x", 1, ["N", 4, 2, 2])
    result = helper.make_tensor_value_info("y", 1, ["N", 3])
    graph = helper.make_graph(nodes, "g", [image, *values], [result], constants)
    old = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 6)], ir_version=3)
    raised, _ = raise_old_opset(old, "m.onnx")
    assert raised.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "N"
    session = onnxruntime.InferenceSession(raised.SerializeToString(), providers=["CPUExecutionProvider"])
    for num in (1, 5):
        x = random.normal(size=(num, 4, 2, 2)).astype(np.float32)
        expected = (x.mean(axis=(2, 3)) + VALUES) @ arrays["w"].T + arrays["c"]
        assert np.abs(session.run(None, {"x": x})[0] - expected).max() < 1e-5


def test_a_model_that_runs_stays_as_it_is() -> None:
    given = model(7)
    assert raise_old_opset(given, "m.onnx") == (given, None)


def test_what_onnx_cannot_raise_is_refused_with_the_operator_set() -> None:
    given = model(6)
    given.graph.node[0].op_type = "NoSuchOperator"
    with pytest.raises(UnsupportedModelError, match="operator set 6, which onnx cannot raise"):
        raise_old_opset(given, "m.onnx")
