"""Weights stored as int8 beside float activations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from edgetool.exporters.tflite.file import constant, operator_code, pack, unpack
from edgetool.exporters.tflite.kernels import operator_name
from edgetool.exporters.tflite.quantize.weights import has_int8_weights, store_int8, store_loops
from edgetool.exporters.tflite.rewrite.tidy import drop_unused

ROWS, WIDTH, UNITS = 64, 32, 40
IDS = np.array([[0, 5, 63, 7]], np.int32)


def build(*, tied: bool) -> Any:
    """Return ids [1, 4] -> GATHER of a table [64, 32] -> FULLY_CONNECTED with 40 units, or with the table itself."""
    random = np.random.default_rng(3)
    table = random.normal(0, 1, (ROWS, WIDTH)).astype(np.float32)
    kernel = random.normal(0, 1, (UNITS, WIDTH)).astype(np.float32) * np.linspace(0.01, 1, UNITS)[:, None]
    buffers = [schema.BufferT()]
    tensors: list[Any] = []

    def add(name: str, shape: tuple[int, ...], kind: int, values: Any = None) -> int:
        if values is not None:
            buffers.append(schema.BufferT(data=np.frombuffer(values.tobytes(), np.uint8)))
        tensors.append(
            schema.TensorT(
                shape=np.array(shape, np.int32),
                type=kind,
                name=name.encode(),
                buffer=0 if values is None else len(buffers) - 1,
            )
        )
        return len(tensors) - 1

    floats, integers = schema.TensorType.FLOAT32, schema.TensorType.INT32
    ids = add("ids", IDS.shape, integers)
    rows = add("table", table.shape, floats, table)
    found = add("rows", (1, 4, WIDTH), floats)
    weights = rows if tied else add("dense/kernel", kernel.shape, floats, kernel.astype(np.float32))
    output = add("output", (1, 4, ROWS if tied else UNITS), floats)
    model = schema.ModelT(version=3, buffers=buffers, operatorCodes=[], description=b"")
    gather = schema.OperatorT(
        opcodeIndex=operator_code(model, schema.BuiltinOperator.GATHER, 1),
        inputs=np.array([rows, ids], np.int32),
        outputs=np.array([found], np.int32),
        builtinOptionsType=schema.BuiltinOptions.GatherOptions,
        builtinOptions=schema.GatherOptionsT(axis=0),
    )
    product = schema.OperatorT(
        opcodeIndex=operator_code(model, schema.BuiltinOperator.FULLY_CONNECTED, 5),
        inputs=np.array([found, weights, -1], np.int32),
        outputs=np.array([output], np.int32),
        builtinOptionsType=schema.BuiltinOptions.FullyConnectedOptions,
        builtinOptions=schema.FullyConnectedOptionsT(keepNumDims=True),
    )
    graph = schema.SubGraphT(tensors=tensors, operators=[gather, product])
    graph.inputs, graph.outputs = np.array([ids], np.int32), np.array([output], np.int32)
    model.subgraphs = [graph]
    return model


def run(model: Any) -> np.ndarray:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=pack(model))
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], IDS)
    interpreter.invoke()
    return np.asarray(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))


def stored(model: Any) -> dict[str, Any]:
    """Return name -> tensor of what the file holds as int8."""
    drop_unused(model)
    tensors = model.subgraphs[0].tensors
    return {t.name.decode(): t for t in tensors if t.type == schema.TensorType.INT8 and constant(model, t) is not None}


@pytest.mark.parametrize("per_channel", [True, False])
def test_tables_and_products_are_int8_and_compute_the_same(per_channel: bool) -> None:
    model = build(tied=False)
    expected = run(model)
    assert store_int8(model, per_channel=per_channel) == 2
    assert [operator_name(model, op) for op in model.subgraphs[0].operators] == [
        "GATHER",
        "DEQUANTIZE",
        "FULLY_CONNECTED",
    ]
    assert has_int8_weights(model, model.subgraphs[0].operators[2])
    found = stored(model)
    assert {name: len(t.quantization.scale) for name, t in found.items()} == {
        "table": 1,
        "dense/kernel": UNITS if per_channel else 1,
    }
    error = np.abs(run(unpack(pack(model))) - expected).max(axis=(0, 1))
    assert error.max() < 0.05 * np.abs(expected).max()
    if per_channel:  # the smallest unit has a scale of its own
        assert error[0] < 0.1 * np.abs(expected[..., 0]).max()


def test_a_table_that_is_the_output_layer_too_stays_one_tensor() -> None:
    model = build(tied=True)
    expected = run(model)
    assert store_int8(model, per_channel=True) == 2
    found = stored(model)
    assert list(found) == ["table"] and len(found["table"].quantization.scale) == 1
    assert np.abs(run(model) - expected).max() < 0.05 * np.abs(expected).max()
    assert len(pack(model)) < ROWS * WIDTH + 2500


def test_small_weights_and_integer_products_are_left_alone() -> None:
    model = build(tied=False)
    graph = model.subgraphs[0]
    for index in (1, 3):
        tensor = graph.tensors[index]
        tensor.shape = np.array([tensor.shape[0], 8], np.int32)
        model.buffers[tensor.buffer].data = model.buffers[tensor.buffer].data[: 4 * 8 * int(tensor.shape[0])]
    before = pack(model)
    assert store_int8(model, per_channel=True) == 0 and pack(model) == before


def test_a_weight_of_zeros_alone_has_a_scale() -> None:
    model = build(tied=False)
    model.buffers[2].data = np.zeros_like(model.buffers[2].data)
    store_int8(model, per_channel=True)
    assert np.all(stored(model)["dense/kernel"].quantization.scale == 1.0) and not run(model).any()


def loop_body(model: Any) -> Any:
    """Put the model's graph behind an empty main graph, as the body of a loop is."""
    body = model.subgraphs[0]
    empty = schema.SubGraphT(tensors=[], operators=[], inputs=np.zeros(0, np.int32), outputs=np.zeros(0, np.int32))
    model.subgraphs, model.signatureDefs = [empty, body], None
    return body


def test_small_kernels_inside_a_loop_are_int8_and_nothing_is_stored_twice() -> None:
    model = build(tied=False)
    graph = model.subgraphs[0]
    for index in (1, 3):
        tensor = graph.tensors[index]
        tensor.shape = np.array([tensor.shape[0], 8], np.int32)
        model.buffers[tensor.buffer].data = model.buffers[tensor.buffer].data[: 4 * 8 * int(tensor.shape[0])]
    graph.tensors[2].shape = np.array([1, 4, 8], np.int32)
    expected, before = run(model), len(pack(model))
    body = loop_body(model)
    assert store_int8(model, per_channel=True) == 0
    assert store_loops(model, per_channel=True) == 2
    drop_unused(model)
    assert not any(tensor.name.endswith(b"_float") for tensor in body.tensors)
    model.subgraphs = [body]
    assert len(pack(model)) < before
    assert np.abs(run(model) - expected).max() < 0.05 * np.abs(expected).max()
