"""Gemm in its plain form gives the same outputs, whatever its factors, transposes and bias were."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from edgetool.exporters.onnx.graph import constant
from edgetool.exporters.onnx.rewrite.gemm import as_row, is_transposed, plain_gemms

ROWS, INPUTS, OUTPUTS = 4, 8, 5
X = np.random.default_rng(0).normal(size=(ROWS, INPUTS)).astype(np.float32)


def gemm(bias: np.ndarray | None, **attributes: Any) -> Any:
    """Return a Gemm of X, or of its transpose where `transA` says so."""
    random = np.random.default_rng(1)
    shape = (OUTPUTS, INPUTS) if attributes.get("transB") else (INPUTS, OUTPUTS)
    constants = {"w": random.normal(size=shape).astype(np.float32)}
    if bias is not None:
        constants["c"] = bias.astype(np.float32)
    rows = [INPUTS, ROWS] if attributes.get("transA") else [ROWS, INPUTS]
    graph = helper.make_graph(
        [helper.make_node("Gemm", ["x", "w", *(["c"] if bias is not None else [])], ["y"], **attributes)],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, rows)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [ROWS, OUTPUTS])],
        [numpy_helper.from_array(values, name) for name, values in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def run(model: Any, x: np.ndarray) -> np.ndarray:
    onnx.checker.check_model(model, full_check=True)
    return np.asarray(ReferenceEvaluator(model).run(None, {"x": x})[0])


@pytest.mark.parametrize("shape", [None, (), (1,), (5,), (1, 1), (1, 5), (4, 1), (4, 5)], ids=str)
@pytest.mark.parametrize(
    "attributes", [{}, {"transB": 1}, {"alpha": 0.5, "beta": 2.0, "transA": 1}, {"beta": -3.0, "transB": 1}], ids=str
)
def test_every_gemm_becomes_a_product_and_a_row(shape: tuple[int, ...] | None, attributes: dict[str, Any]) -> None:
    bias = None if shape is None else np.random.default_rng(2).normal(size=shape)
    model = gemm(bias, **attributes)
    x = X.T if "transA" in attributes else X
    expected = run(model, x)
    plain_gemms(model.graph)
    assert np.allclose(run(model, x), expected, rtol=0, atol=1e-5)
    node = next(node for node in model.graph.node if node.op_type == "Gemm")
    assert {attribute.name for attribute in node.attribute} <= {"transB"}
    row = constant(model.graph, node.input[2]) if len(node.input) > 2 else None
    is_row = shape is not None and (len(shape) < 2 or shape[0] == 1)
    assert (row is not None and row.shape == (OUTPUTS,)) if is_row else row is None
    assert ("Add" in [other.op_type for other in model.graph.node]) == (shape is not None and not is_row)


def test_a_plain_gemm_stays_as_it_is() -> None:
    model = gemm(np.ones(OUTPUTS), transB=1)
    before = model.SerializeToString()
    assert plain_gemms(model.graph) == 0
    assert model.SerializeToString() == before
    assert is_transposed(model.graph.node[0])


def test_a_kernel_with_other_readers_keeps_its_values() -> None:
    model = gemm(None, alpha=0.5)
    model.graph.node.append(helper.make_node("Gemm", ["x", "w"], ["z"]))
    kernel = constant(model.graph, "w")
    assert plain_gemms(model.graph) == 1
    assert kernel is not None and np.array_equal(np.asarray(constant(model.graph, "w")), kernel)
    assert np.allclose(np.asarray(constant(model.graph, "y/kernel")), kernel / 2)


def test_a_bias_that_is_computed_is_added_behind() -> None:
    model = gemm(None, beta=2.0)
    model.graph.node[0].input.append("c")
    model.graph.node.insert(0, helper.make_node("Abs", ["x0"], ["c"]))
    model.graph.input.append(helper.make_tensor_value_info("x0", TensorProto.FLOAT, [1, OUTPUTS]))
    feeds = {"x": X, "x0": np.arange(OUTPUTS, dtype=np.float32)[None]}
    expected = ReferenceEvaluator(model).run(None, feeds)[0]
    assert plain_gemms(model.graph) == 1
    assert [node.op_type for node in model.graph.node] == ["Abs", "Gemm", "Mul", "Add"]
    assert np.allclose(ReferenceEvaluator(model).run(None, feeds)[0], expected, atol=1e-5)


@pytest.mark.parametrize(
    ("shape", "rank", "fits"),
    [((), 2, True), ((5,), 2, True), ((1, 1, 5), 3, True), ((1, 1, 5), 2, False), ((5, 1), 3, False), ((3,), 2, False)],
)
def test_rows_add_the_same_to_every_position_and_no_axis(shape: tuple[int, ...], rank: int, fits: bool) -> None:
    row = as_row(np.ones(shape, np.float32), 5, rank)
    assert (row is not None and row.shape == (5,)) == fits
