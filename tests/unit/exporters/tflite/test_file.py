from __future__ import annotations

import copy

import numpy as np

from edgetool.exporters.tflite.file import constant, pack, unpack


def test_pack_keeps_the_model_and_its_outputs(int8_model, pruned, run_tflite):
    model = int8_model(pruned((16, 3, 3, 8), 0.0), pruned((600, 256), 0.0, 1))
    again = unpack(pack(model))
    assert [t.name for t in again.subgraphs[0].tensors] == [t.name for t in model.subgraphs[0].tensors]
    assert np.array_equal(constant(again, again.subgraphs[0].tensors[6]), pruned((600, 256), 0.0, 1))
    assert np.ptp(run_tflite(pack(model))) > 50  # the model computes something


def test_buffers_are_aligned_to_16_bytes(int8_model, pruned):
    from ai_edge_litert import schema_py_generated as schema

    content = pack(int8_model(pruned((16, 3, 3, 8), 0.0), pruned((7, 256), 0.0)))
    root = schema.Model.GetRootAs(content, 0)
    vectors = []
    for index in range(root.BuffersLength()):
        buffer = root.Buffers(index)
        if not buffer.DataIsNone():
            offset = buffer._tab.Offset(4)
            vectors.append(buffer._tab.Vector(offset))
    assert len(vectors) == 5
    assert [start % 16 for start in vectors] == [0] * 5


def test_same_tree_same_bytes_and_equal_vectors_once(int8_model, pruned):
    first = pack(int8_model(pruned((16, 3, 3, 8), 0.0), pruned((600, 256), 0.0)))
    assert first == pack(int8_model(pruned((16, 3, 3, 8), 0.0), pruned((600, 256), 0.0)))
    # 600 zero points of 8 bytes belong to the kernel and to its bias, and are written once.
    assert first.count(np.zeros(600, np.int64).tobytes()) == 1
    assert len(first) < 600 * 256 + 600 * (4 + 4 + 8) + 6000


def test_constant_is_none_for_activations(int8_model, pruned):
    model = int8_model(pruned((16, 3, 3, 8), 0.0), pruned((7, 256), 0.0))
    assert constant(model, model.subgraphs[0].tensors[0]) is None


def test_constants_behind_the_flatbuffer_are_read(int8_model, pruned):
    kernel = pruned((16, 3, 3, 8), 0.0)
    model = int8_model(kernel, pruned((7, 256), 0.0))
    expected = pack(model)
    buffer = model.buffers[model.subgraphs[0].tensors[1].buffer]
    assert buffer.data.size == kernel.size
    buffer.data, buffer.offset, buffer.size = None, 1 << 40, kernel.size
    buffer.offset = -(-len(pack(model)) // 16) * 16
    content = pack(model).ljust(buffer.offset, b"\0") + kernel.tobytes()
    assert np.array_equal(constant(unpack(content), unpack(content).subgraphs[0].tensors[1]), kernel)
    assert pack(unpack(content)) == expected


def test_equal_ranges_and_options_are_one_table_each(int8_model, pruned, run_tflite):
    from ai_edge_litert import schema_py_generated as schema

    model = int8_model(pruned((16, 3, 3, 8), 0.0), pruned((7, 256), 0.0))
    graph = model.subgraphs[0]
    before = run_tflite(pack(model))
    quantization = graph.tensors[0].quantization
    for tensor in (graph.tensors[3], graph.tensors[5]):
        tensor.quantization = copy.deepcopy(quantization)
    content = pack(model)
    assert graph.tensors[0].quantization is quantization
    root = schema.Model.GetRootAs(content, 0).Subgraphs(0)
    places = {root.Tensors(index).Quantization()._tab.Pos for index in (0, 3, 5)}
    assert len(places) == 1 and root.Tensors(1).Quantization()._tab.Pos not in places
    again = unpack(content).subgraphs[0]
    assert [vars(op.builtinOptions) for op in again.operators] == [vars(op.builtinOptions) for op in graph.operators]
    assert run_tflite(content).shape == before.shape
