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


def test_a_model_that_runs_stays_as_it_is() -> None:
    given = model(7)
    assert raise_old_opset(given, "m.onnx") == (given, None)


def test_what_onnx_cannot_raise_is_refused_with_the_operator_set() -> None:
    given = model(6)
    given.graph.node[0].op_type = "NoSuchOperator"
    with pytest.raises(UnsupportedModelError, match="operator set 6, which onnx cannot raise"):
        raise_old_opset(given, "m.onnx")
