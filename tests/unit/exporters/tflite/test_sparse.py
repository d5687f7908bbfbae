from __future__ import annotations

import numpy as np
import pytest

from edgetool.exporters.tflite.file import pack
from edgetool.exporters.tflite.kernels import operator_name
from edgetool.exporters.tflite.rewrite.tidy import drop_unused
from edgetool.exporters.tflite.sparse import sparsify


def _operators(model):
    return [operator_name(model, operator) for operator in model.subgraphs[0].operators]


@pytest.mark.parametrize("reference", [False, True])
@pytest.mark.parametrize("batch", [1, 3])
def test_sparse_file_is_smaller_and_gives_the_same_bits(int8_model, pruned, run_tflite, reference, batch):
    def build():
        return int8_model(pruned((16, 3, 3, 8), 0.9), pruned((600, 256), 0.8, 1))

    dense, model = pack(build()), build()
    report = sparsify(model)
    drop_unused(model)
    sparse = pack(model)
    assert report.num_tensors == 2
    assert report.notes == ()
    assert _operators(model).count("DENSIFY") == 2
    assert len(dense) - len(sparse) > 0.9 * report.saved_bytes
    # 80 % zeros: one byte value and one byte index for the rest, and 257 places where rows begin.
    assert report.saved_bytes >= 600 * 256 - 2 * round(0.2 * 600 * 256) - 4 * 258
    expected = run_tflite(dense, reference=reference, batch=batch)
    assert np.ptp(expected) > 30
    assert np.array_equal(run_tflite(sparse, reference=reference, batch=batch), expected)


def test_int8_fully_connected_becomes_a_convolution_that_xnnpack_takes(int8_model, pruned):
    model = int8_model(pruned((16, 3, 3, 8), 0.0), pruned((600, 256), 0.8))
    sparsify(model)
    assert _operators(model) == ["CONV_2D", "RESHAPE", "RESHAPE", "DENSIFY", "CONV_2D", "RESHAPE"]
    kernel = next(t for t in model.subgraphs[0].tensors if t.name == b"net/d1/MatMul")
    assert [int(size) for size in kernel.shape] == [600, 1, 1, 256]


def test_dense_model_is_left_alone(int8_model, pruned):
    def build():
        return int8_model(pruned((16, 3, 3, 8), 0.0), pruned((600, 256), 0.1))

    model = build()
    report = sparsify(model)
    assert (report.num_tensors, report.saved_bytes, report.notes) == (0, 0, ())
    assert pack(model) == pack(build())


def test_half_zeros_in_int8_stay_dense_with_a_reason(int8_model, pruned):
    model = int8_model(pruned((16, 3, 3, 8), 0.0), pruned((600, 256), 0.5))
    report = sparsify(model)
    assert report.num_tensors == 0
    assert "net/d1/MatMul (FULLY_CONNECTED): stored dense, 50% zeros would take" in report.notes[0]


def test_hybrid_operator_stays_dense_with_a_reason(int8_model, pruned):
    model = int8_model(pruned((16, 3, 3, 8), 0.0), pruned((600, 256), 0.8))
    model.subgraphs[0].tensors[5].type = 0  # float32 activations, int8 weights: dynamic quantisation
    report = sparsify(model)
    assert report.num_tensors == 0
    assert "XNNPACK cannot unpack int8 weights for float activations" in report.notes[0]


def test_a_kernel_of_zeros_is_stored_so_that_the_file_loads(int8_model, run_tflite):
    def build():
        return int8_model(np.zeros((16, 3, 3, 8), np.int8), np.zeros((600, 256), np.int8))

    model = build()
    report = sparsify(model)
    drop_unused(model)
    assert report.num_tensors == 2
    assert np.array_equal(run_tflite(pack(model)), run_tflite(pack(build())))
