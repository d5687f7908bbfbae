"""Values of ONNX initialisers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgetool.errors import FileFormatError
from edgetool.ir.onnx_values import constant_values, dense_initializer, dtype_name, sparse_initializer


def test_names_of_types() -> None:
    assert dtype_name(TensorProto.FLOAT) == "float32" and dtype_name(TensorProto.INT8) == "int8"
    assert dtype_name(12345) == "type_12345"


def test_dense_values(tmp_path: Path) -> None:
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    tensor = dense_initializer(tmp_path, numpy_helper.from_array(values, "w"))
    np.testing.assert_array_equal(tensor.constant, values)
    assert tensor.stored_bytes == 24 and not tensor.sparse


def test_bytes_that_do_not_fit_the_shape(tmp_path: Path) -> None:
    proto = numpy_helper.from_array(np.zeros(6, np.float32), "w")
    proto.dims[0] = 7
    with pytest.raises(FileFormatError):
        dense_initializer(tmp_path, proto)


def test_external_data_stays_inside_the_folder(tmp_path: Path) -> None:
    proto = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1], data_location=TensorProto.EXTERNAL)
    entry = proto.external_data.add()
    entry.key, entry.value = "location", "../../etc/passwd"
    with pytest.raises(FileFormatError):
        dense_initializer(tmp_path / "model.onnx", proto)


def test_sparse_values_become_dense(tmp_path: Path) -> None:
    values = numpy_helper.from_array(np.array([5, 7], np.float32), "w")
    indices = numpy_helper.from_array(np.array([1, 4], np.int64), "i")
    tensor = sparse_initializer(tmp_path, helper.make_sparse_tensor(values, indices, [2, 3]))
    np.testing.assert_array_equal(tensor.constant, [[0, 5, 0], [0, 7, 0]])
    assert tensor.sparse and tensor.stored_bytes == 2 * 4 + 2 * 8


def test_constant_nodes() -> None:
    node = helper.make_node("Constant", [], ["c"], value=numpy_helper.from_array(np.array([1, 2]), "v"))
    np.testing.assert_array_equal(constant_values(node), [1, 2])
    np.testing.assert_array_equal(constant_values(helper.make_node("Constant", [], ["c"], value_floats=[0.5])), [0.5])
