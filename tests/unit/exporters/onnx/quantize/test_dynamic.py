"""Products in integers agree with the specification's evaluator on this CPU, and with the float model."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from edgetool.exporters.onnx.graph import constant
from edgetool.exporters.onnx.quantize.dynamic import DYNAMIC_OPS, often_read, quantize_products
from edgetool.exporters.onnx.quantize.weights import quantize_dynamic

RANDOM = np.random.default_rng(4)
X = RANDOM.normal(size=(16, 8)).astype(np.float32)
#: Same signs next to each other: products of neighbours saturate where scales do not see to it.
BIASED = np.abs(RANDOM.normal(size=(12, 8))) + 0.5


def build(nodes: list[Any], constants: dict[str, np.ndarray], shape: tuple[int, ...] = (8,)) -> Any:
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", *shape])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", *(f"d{axis}" for axis in range(len(shape)))])],
        [numpy_helper.from_array(values.astype(np.float32), name) for name, values in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def outputs(model: Any, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what onnxruntime gives, and the specification's evaluator."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0], np.asarray(ReferenceEvaluator(model).run(None, {"x": x})[0])


def sqnr_db(expected: np.ndarray, found: np.ndarray) -> float:
    noise = float(((expected - found) ** 2).sum())
    return 200.0 if noise == 0 else 10 * float(np.log10((expected**2).sum() / noise))


def node(kind: str, inputs: list[str], output: str, **attributes: Any) -> Any:
    return helper.make_node(kind, inputs, [output], name=output, **attributes)


CASES: dict[str, tuple[list[Any], dict[str, np.ndarray], tuple[int, ...]]] = {
    "linear": ([node("Gemm", ["x", "w", "c"], "y", transB=1)], {"w": BIASED, "c": RANDOM.normal(size=12)}, (8,)),
    "factors": (
        [node("Gemm", ["x", "w", "c"], "y", alpha=0.5, beta=2.0)],
        {"w": BIASED.T, "c": RANDOM.normal(size=(1, 12))},
        (8,),
    ),
    "matmul": ([node("MatMul", ["x", "w"], "y")], {"w": BIASED.T}, (3, 8)),
    "stack": ([node("MatMul", ["x", "w"], "y")], {"w": np.abs(RANDOM.normal(size=(4, 8, 5))) + 0.5}, (4, 6, 8)),
    "tied": (
        [node("MatMul", ["x", "w"], "a"), node("Tanh", ["a"], "b"), node("Gemm", ["b", "w"], "y", transB=1)],
        {"w": BIASED.T},
        (8,),
    ),
    "one input": (
        [node("Gemm", ["x", "w", "c"], "a", transB=1), node("MatMul", ["x", "v"], "b"), node("Add", ["a", "b"], "y")],
        {"w": BIASED, "c": RANDOM.normal(size=12), "v": BIASED.T},
        (8,),
    ),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("per_channel", [True, False])
def test_files_run_as_the_specification_says(name: str, per_channel: bool) -> None:
    nodes, constants, shape = CASES[name]
    model = build(nodes, constants, shape)
    x = RANDOM.normal(size=(16, *shape)).astype(np.float32)
    expected = outputs(model, x)[1]
    num = quantize_products(model.graph, per_channel=per_channel)
    onnx.checker.check_model(model, full_check=True)
    assert num == sum(item.op_type in DYNAMIC_OPS for item in nodes)
    assert not {item.op_type for item in model.graph.node} & set(DYNAMIC_OPS)
    found, specified = outputs(model, x)
    assert sqnr_db(specified, found) > 100.0
    assert sqnr_db(expected, found) > (30.0 if per_channel else 25.0)


def test_an_input_is_quantised_once_in_front_of_its_first_reader() -> None:
    model = build(*CASES["one input"])
    quantize_products(model.graph, per_channel=True)
    kinds = [item.op_type for item in model.graph.node]
    assert kinds.count("DynamicQuantizeLinear") == 1 and kinds.count("MatMulInteger") == 2


def test_readers_that_meet_kernels_in_another_order_stay_sorted() -> None:
    nodes = [
        node("MatMul", ["x", "w"], "a"),
        node("Tanh", ["a"], "t"),
        node("MatMul", ["t", "v"], "b"),
        node("MatMul", ["t", "w"], "y"),
    ]
    square = RANDOM.normal(size=(2, 8, 8))
    model = build(nodes, {"w": square[0], "v": square[1]})
    quantize_products(model.graph, per_channel=True)
    onnx.checker.check_model(model, full_check=True)


def test_the_integer_kernel_keeps_its_name_and_other_readers_the_float_one() -> None:
    model = build(*CASES["linear"])
    quantize_products(model.graph, per_channel=True)
    kernel = constant(model.graph, "w")
    assert kernel is not None and kernel.dtype == np.int8 and kernel.shape == (8, 12)
    nodes = [*CASES["linear"][0], node("Abs", ["w"], "z")]
    model = build(nodes, CASES["linear"][1])
    quantize_products(model.graph, per_channel=True)
    kernel, stored = constant(model.graph, "w"), constant(model.graph, "w/transposed")
    assert kernel is not None and kernel.dtype == np.float32
    assert stored is not None and stored.dtype == np.int8


def test_computed_kernels_and_vectors_stay() -> None:
    nodes = [node("Abs", ["w"], "v"), node("MatMul", ["x", "v"], "a"), node("MatMul", ["a", "u"], "y")]
    model = build(nodes, {"w": BIASED.T, "u": np.ones(12)})
    assert quantize_products(model.graph, per_channel=True) == 0
    assert [item.op_type for item in model.graph.node] == ["Abs", "MatMul", "MatMul"]


def test_a_kernel_that_every_step_of_a_layer_reads_is_widened_once() -> None:
    steps = [node("Gemm", [f"s{step}", "w"], f"s{step + 1}") for step in range(20)]
    nodes = [node("Identity", ["x"], "s0"), *steps, node("Gemm", ["s20", "v"], "y")]
    kernels = {"w": np.linalg.qr(RANDOM.normal(size=(12, 12)))[0], "v": RANDOM.normal(size=(12, 40))}
    model = build(nodes, kernels, (12,))
    assert often_read(model.graph) == {"w"}
    x = RANDOM.normal(size=(16, 12)).astype(np.float32)
    expected, before = outputs(model, x)[1], model.ByteSize()
    quantize_dynamic(model, per_channel=True)
    kinds = [item.op_type for item in model.graph.node]
    assert kinds.count("Gemm") == 20 and kinds.count("MatMulInteger") == 1
    kernel = constant(model.graph, "w")
    assert kernel is not None and kernel.dtype == np.int8
    assert model.ByteSize() < before + 600
    assert sqnr_db(expected, outputs(model, x)[0]) > 25.0
