from __future__ import annotations

import numpy as np

from edgetool.exporters.tflite.file import pack
from edgetool.exporters.tflite.kernels import operator_name
from edgetool.exporters.tflite.rewrite.tidy import (
    MAX_NAMED,
    _shortened_steps,
    drop_unused,
    order_signature,
    rename_tensors,
    skip_flattening,
)


def _model(int8_model, pruned):
    return int8_model(pruned((16, 3, 3, 8), 0.0), pruned((30, 256), 0.0, 3))


def test_inputs_and_outputs_take_keras_names(int8_model, pruned):
    model = _model(int8_model, pruned)
    order_signature(model, ["image"], ["scores"])
    graph = model.subgraphs[0]
    assert graph.tensors[int(graph.inputs[0])].name == b"image"
    assert graph.tensors[int(graph.outputs[0])].name == b"scores"
    assert model.signatureDefs[0].outputs[0].name == b"scores"


def test_tensors_take_layer_names(int8_model, pruned):
    model = _model(int8_model, pruned)
    order_signature(model, ["image"], ["d1"])
    rename_tensors(model, "net", {"c1": 1, "d1": 6})
    names = [tensor.name.decode() for tensor in model.subgraphs[0].tensors]
    assert names == ["image", "c1/kernel", "c1/bias", "r", "const", "flatten", "d1/kernel", "d1/bias", "d1"]


def test_names_are_unique(int8_model, pruned):
    model = _model(int8_model, pruned)
    for tensor in model.subgraphs[0].tensors:
        tensor.name = b"net/same/Op"
    rename_tensors(model, "net", {})
    names = [tensor.name for tensor in model.subgraphs[0].tensors]
    assert len(set(names)) == len(names)


def test_a_layer_of_many_tensors_goes_by_a_letter():
    names = dict.fromkeys(range(MAX_NAMED + 1), "recurrent") | {100: "dense", 101: "dense"}
    short = _shortened_steps(names)
    assert {short[index] for index in range(MAX_NAMED + 1)} == {"r0"}
    assert (short[100], short[101]) == ("dense", "dense")
    assert _shortened_steps(dict.fromkeys(range(MAX_NAMED), "recurrent")) == dict.fromkeys(
        range(MAX_NAMED), "recurrent"
    )


def test_flattening_in_front_of_fully_connected_is_dropped(int8_model, pruned, run_tflite):
    model = _model(int8_model, pruned)
    before = [run_tflite(pack(model), batch=batch) for batch in (1, 3)]
    skip_flattening(model)
    drop_unused(model)
    assert [operator_name(model, operator) for operator in model.subgraphs[0].operators] == [
        "CONV_2D",
        "FULLY_CONNECTED",
    ]
    after = [run_tflite(pack(model), batch=batch) for batch in (1, 3)]
    assert all(np.array_equal(a, b) for a, b in zip(after, before, strict=True))


def test_reshape_that_is_an_output_stays(int8_model, pruned):
    model = _model(int8_model, pruned)
    model.subgraphs[0].outputs = np.array([5, 8], np.int32)
    skip_flattening(model)
    assert "RESHAPE" in [operator_name(model, operator) for operator in model.subgraphs[0].operators]


def test_unused_parts_are_dropped_and_equal_buffers_shared(int8_model, pruned, run_tflite):
    from ai_edge_litert import schema_py_generated as schema

    model = _model(int8_model, pruned)
    expected = run_tflite(pack(model))
    model.buffers += [schema.BufferT(data=np.arange(64, dtype=np.uint8)), schema.BufferT()]
    model.buffers.append(schema.BufferT(data=np.array(model.buffers[1].data)))
    model.subgraphs[0].tensors[1].buffer = len(model.buffers) - 1
    model.metadata = [schema.MetadataT(name=b"min_runtime_version", buffer=len(model.buffers) - 3)]
    size = len(pack(model))
    drop_unused(model)
    assert model.metadata is None
    assert len(model.buffers) == 6
    assert all(tensor.shapeSignature is None for tensor in model.subgraphs[0].tensors)
    assert len(pack(model)) < size - 64
    assert np.array_equal(run_tflite(pack(model)), expected)
