"""ONNX graphs of any origin become what the quantising steps expect, with the same outputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgetool.errors import ExportError
from edgetool.exporters.onnx.frozen import prepare

RANDOM = np.random.default_rng(3)
WEIGHTS = {
    "k": RANDOM.normal(size=(4, 2, 3, 3)),
    "gamma": RANDOM.uniform(0.5, 2, 4),
    "beta": RANDOM.normal(size=4),
    "mean": RANDOM.normal(size=4),
    "var": RANDOM.uniform(0.5, 2, 4),
    "w": RANDOM.normal(size=(100, 3)),
    "b": RANDOM.normal(size=3),
}


def network(*, opset: int = 18, batch: int | str = "N", flat: tuple[int, ...] = (0, -1), listed: bool = False) -> bytes:
    """Return [N, 2, 5, 5] -> Pad, Conv, BatchNormalization, Relu, Reshape, MatMul, Add, unnamed as some tools do."""
    tensors = [numpy_helper.from_array(v.astype(np.float32), k) for k, v in WEIGHTS.items()]
    tensors.append(numpy_helper.from_array(np.array([0, 0, 1, 1, 0, 0, 1, 1], np.int64), "amounts"))
    nodes = [
        helper.make_node("Pad", ["x", "amounts"], ["p"]),
        helper.make_node("Conv", ["p", "k"], ["c"]),
        helper.make_node("BatchNormalization", ["c", "gamma", "beta", "mean", "var"], ["n"]),
        helper.make_node("Relu", ["n"], ["r"]),
        helper.make_node("Constant", [], ["shape"], value=numpy_helper.from_array(np.array(flat, np.int64))),
        helper.make_node("Reshape", ["r", "shape"], ["f"]),
        helper.make_node("MatMul", ["f", "w"], ["m"]),
        helper.make_node("Add", ["m", "b"], ["y"]),
    ]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, 2, 5, 5])]
    if listed:
        inputs += [helper.make_tensor_value_info(t.name, t.data_type, t.dims) for t in tensors]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [batch, 3])]
    graph = helper.make_graph(nodes, "net", inputs, outputs, tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8 if not listed else 3)
    return bytes(model.SerializeToString())


def run(content: bytes, x: np.ndarray) -> np.ndarray:
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": x})[0])


X = RANDOM.normal(size=(3, 2, 5, 5)).astype(np.float32)
PLAIN = run(network(), X)


def kinds(model: Any) -> list[str]:
    return [node.op_type for node in model.graph.node]


@pytest.mark.parametrize("opset", [13, 18, 20])
def test_layers_are_folded_together_and_outputs_stay(opset: int) -> None:
    model = prepare(network(opset=opset), "net")
    assert kinds(model) == ["Conv", "Relu", "Reshape", "Gemm"]
    assert max(entry.version for entry in model.opset_import if entry.domain == "") == max(opset, 18)
    assert len({node.name for node in model.graph.node}) == 4
    onnx.checker.check_model(model, full_check=True)
    assert np.abs(run(model.SerializeToString(), X) - PLAIN).max() < 1e-5


def test_an_old_operator_set_that_does_not_convert(monkeypatch: pytest.MonkeyPatch) -> None:
    import onnx.version_converter

    def refuse(model: Any, version: int) -> None:
        raise RuntimeError("no adapter")

    monkeypatch.setattr(onnx.version_converter, "convert_version", refuse)
    kept = prepare(network(opset=13, flat=(0, 100)), "net")
    assert max(entry.version for entry in kept.opset_import if entry.domain == "") == 13
    assert np.abs(run(kept.SerializeToString(), X) - PLAIN).max() < 1e-5
    with pytest.raises(ExportError, match="no adapter"):
        prepare(network(opset=11), "net")


def test_initialisers_are_no_inputs() -> None:
    model = prepare(network(opset=13, listed=True), "net")
    assert [value.name for value in model.graph.input] == ["x"]
    assert np.abs(run(model.SerializeToString(), X) - PLAIN).max() < 1e-5


@pytest.mark.parametrize("flat", [(0, -1), (1, -1), (1, 100)])
def test_a_fixed_batch_is_opened(flat: tuple[int, ...]) -> None:
    model = prepare(network(batch=1, flat=flat), "net")
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "N"
    assert np.abs(run(model.SerializeToString(), X) - PLAIN).max() < 1e-5


def test_a_batch_that_is_mixed_stays_fixed() -> None:
    """Samples minus the mean over the batch: one sample gives zeros, three do not."""
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2, 5, 5])
    out = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2, 5, 5])
    axes = numpy_helper.from_array(np.array([0], np.int64), "axes")
    nodes = [helper.make_node("ReduceMean", ["x", "axes"], ["m"]), helper.make_node("Sub", ["x", "m"], ["y"])]
    graph = helper.make_graph(nodes, "mixed", [value], [out], [axes])
    content = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8).SerializeToString()
    model = prepare(content, "mixed")
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_value == 1


def test_functions_are_inlined() -> None:
    body = [helper.make_node("Relu", ["a"], ["t"]), helper.make_node("Neg", ["t"], ["z"])]
    function = helper.make_function("local", "Drop", ["a"], ["z"], body, [helper.make_opsetid("", 18)])
    graph = helper.make_graph(
        [helper.make_node("Drop", ["x"], ["y"], domain="local")],
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 2, 5, 5])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 2, 5, 5])],
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("local", 1)]
    content = helper.make_model(graph, opset_imports=opsets, functions=[function], ir_version=9).SerializeToString()
    model = prepare(content, "net")
    assert kinds(model) == ["Relu", "Neg"]
    assert np.array_equal(run(model.SerializeToString(), X), -np.maximum(X, 0))


def test_what_onnxruntime_refuses_is_an_error() -> None:
    model = onnx.load_from_string(network())
    model.graph.node[1].op_type = "Convolve"
    with pytest.raises(ExportError, match="onnxruntime refused"):
        prepare(model.SerializeToString(), "net")
