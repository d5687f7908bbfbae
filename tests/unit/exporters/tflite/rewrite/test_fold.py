from __future__ import annotations

import copy

import numpy as np
import pytest

from edgetool.exporters.tflite.file import pack
from edgetool.exporters.tflite.kernels import operator_name
from edgetool.exporters.tflite.rewrite.fold import fully_connected_as_conv


@pytest.mark.parametrize("reference", [False, True])
@pytest.mark.parametrize("channels", [256, 64])
@pytest.mark.parametrize("bias", [True, False])
def test_convolution_computes_the_same_bits(int8_model, pruned, run_tflite, reference, channels, bias):
    model = int8_model(pruned((16, 3, 3, 8), 0.0), pruned((30, 256), 0.0, 3))
    if not bias:
        model.subgraphs[0].operators[2].inputs[2] = -1
    expected = run_tflite(pack(model), reference=reference, batch=2)
    folded = copy.deepcopy(model)
    dense = folded.subgraphs[0].operators[2]
    shape = (30, 1, 256 // channels, channels)
    folded.subgraphs[0].tensors[int(dense.inputs[1])].shape = np.array(shape, np.int32)
    fully_connected_as_conv(folded, dense, shape)
    names = [operator_name(folded, operator) for operator in folded.subgraphs[0].operators]
    assert names[-2:] == ["CONV_2D", "RESHAPE"]
    found = run_tflite(pack(folded), reference=reference, batch=2)
    assert found.shape == expected.shape == (2, 30)
    assert np.array_equal(found, expected)
    assert np.ptp(expected) > 50


def test_static_shapes_keep_the_number_of_rows(int8_model, pruned):
    model = int8_model(pruned((16, 3, 3, 8), 0.0), pruned((30, 256), 0.0, 3))
    graph = model.subgraphs[0]
    dense = graph.operators[2]
    for index in (int(dense.inputs[0]), int(dense.outputs[0])):  # as after a reshape of [1, 7, 256]
        graph.tensors[index].shape = np.array([7, *graph.tensors[index].shape[1:]], np.int32)
    fully_connected_as_conv(model, dense, (30, 1, 4, 64))
    shapes = [tuple(graph.tensors[int(i)].shape) for i in (dense.inputs[0], dense.outputs[0])]
    assert shapes == [(7, 1, 4, 64), (7, 1, 1, 30)]
