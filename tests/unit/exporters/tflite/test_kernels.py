from __future__ import annotations

import numpy as np

from edgetool.exporters.tflite.kernels import find_kernels, stored_weights, to_file_layout


def test_kernels_are_found_by_name_and_size(int8_model, pruned):
    model = int8_model(pruned((16, 3, 3, 8), 0.0), pruned((30, 256), 0.0))
    keras = {"c1": np.zeros((3, 3, 8, 16)), "d1": np.zeros((256, 30)), "absent": np.zeros((5, 5))}
    assert find_kernels(model, keras, {}) == {"c1": 1, "d1": 6}


def test_wrapped_layers_are_found_by_their_wrapper(int8_model, pruned):
    model = int8_model(pruned((16, 3, 3, 8), 0.0), pruned((30, 256), 0.0))
    keras = {"inner": np.zeros((3, 3, 8, 16))}
    assert find_kernels(model, keras, {"inner": "c1"}) == {"inner": 1}


def test_a_name_of_another_size_is_not_taken(int8_model, pruned):
    model = int8_model(pruned((16, 3, 3, 8), 0.0), pruned((30, 256), 0.0))
    assert find_kernels(model, {"c1": np.zeros((2, 2))}, {}) == {}


def test_unnamed_kernels_pair_up_by_size(int8_model, pruned):
    model = int8_model(pruned((16, 3, 3, 8), 0.0), pruned((30, 256), 0.0))
    for tensor in model.subgraphs[0].tensors:
        tensor.name = b"nothing"
    assert find_kernels(model, {"d1": np.zeros((256, 30))}, {}) == {"d1": 6}


def test_stored_weights_looks_through_unpacking(int8_model, pruned):
    from edgetool.exporters.tflite.sparse import sparsify

    model = int8_model(pruned((16, 3, 3, 8), 0.9), pruned((30, 256), 0.0))
    sparsify(model)
    assert [index for _, index in stored_weights(model)] == [1, 6]


def test_layouts():
    conv = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    assert to_file_layout(conv, "CONV_2D", (5, 2, 3, 4))[1, 0, 2, 3] == conv[0, 2, 3, 1]
    assert to_file_layout(conv, "TRANSPOSE_CONV", (4, 2, 3, 5))[1, 0, 2, 3] == conv[0, 2, 1, 3]
    assert to_file_layout(conv, "DEPTHWISE_CONV_2D", (1, 2, 3, 20))[0, 1, 2, 7] == conv[1, 2, 1, 2]
    dense = np.arange(6).reshape(2, 3)
    assert to_file_layout(dense, "FULLY_CONNECTED", (3, 2))[2, 1] == dense[1, 2]
    assert to_file_layout(dense, "GATHER", (2, 3)) is None
    assert to_file_layout(dense, "FULLY_CONNECTED", (3, 3)) is None
