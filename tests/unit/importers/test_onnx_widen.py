"""Half, brain and double precision become float32, in every place that states a type."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgetool.importers.onnx_widen import widen


def model_of(kind: int) -> Any:
    """Return `(x + 0.5) * w`, its types those of `kind`, with a constant of each sort and a graph within the graph."""
    value = helper.make_tensor_value_info
    half = helper.make_node("Constant", [], ["half"], value=helper.make_tensor("half", kind, [], [0.5]))
    branch = helper.make_graph([half], "branch", [], [value("half", kind, [])])
    nodes = [
        helper.make_node("If", ["yes"], ["h"], then_branch=branch, else_branch=branch),
        helper.make_node("Cast", ["x"], ["c"], to=kind),
        helper.make_node("Add", ["c", "h"], ["a"]),
        helper.make_node("Mul", ["a", "w"], ["y"]),
    ]
    weights = helper.make_tensor("w", kind, [4], np.arange(4, dtype=np.float32))
    yes = numpy_helper.from_array(np.array(True), "yes")
    graph = helper.make_graph(nodes, "g", [value("x", kind, ["N", 4])], [value("y", kind, ["N", 4])], [weights, yes])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


@pytest.mark.parametrize(
    ("kind", "name"),
    [(TensorProto.FLOAT16, "float16"), (TensorProto.BFLOAT16, "bfloat16"), (TensorProto.DOUBLE, "float64")],
)
def test_a_model_computes_in_float32(kind: int, name: str) -> None:
    model = model_of(kind)
    assert widen(model) == (name,)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    x = np.ones((2, 4), np.float32)
    assert np.array_equal(session.run(None, {"x": x})[0], 1.5 * np.arange(4, dtype=np.float32) * x)


def test_float32_stays_as_it_is() -> None:
    model = model_of(TensorProto.FLOAT)
    before = model.SerializeToString()
    assert widen(model) == ()
    assert model.SerializeToString() == before
