"""The specification's evaluators: integers are summed exactly, whatever kernels a processor has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from edgetool.errors import FileFormatError, UnsupportedModelError
from edgetool.verify.specification import onnx_by_specification, tflite_by_specification

FLOAT = onnx.TensorProto.FLOAT


def write(folder: Path, nodes: list[Any], constants: dict[str, Any], shapes: tuple[list[Any], list[Any]]) -> Path:
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", FLOAT, shapes[0])],
        [helper.make_tensor_value_info("y", FLOAT, shapes[1])],
        [numpy_helper.from_array(np.asarray(values), name) for name, values in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.save(model, folder / "model.onnx")
    return folder / "model.onnx"


def test_products_of_bytes_do_not_saturate(tmp_path: Path) -> None:
    kernel = np.full((64, 2), 127, np.int8)
    nodes = [
        helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"]),
        helper.make_node("MatMulInteger", ["q", "k", "z"], ["i"]),
        helper.make_node("Cast", ["i"], ["f"], to=FLOAT),
        helper.make_node("Mul", ["f", "s"], ["y"]),
    ]
    path = write(tmp_path, nodes, {"k": kernel}, (["N", 64], ["N", 2]))
    inputs = np.linspace(0.0, 1.0, 192, dtype=np.float32).reshape(3, 64)
    (found,) = onnx_by_specification(path, (inputs,))
    # By the definition of DynamicQuantizeLinear, one sample at a time: 255 steps from 0 to the largest value.
    for row, values in zip(found, inputs, strict=True):
        scale = np.float32(values.max()) / np.float32(255)
        exact = int(np.rint(values / scale).sum()) * 127 * float(scale)
        np.testing.assert_allclose(row, exact, rtol=1e-6)


def test_convolutions_and_pools_are_those_of_the_definition(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    kernel = random.normal(size=(2, 1, 3, 3)).astype(np.float32)
    nodes = [
        helper.make_node("Conv", ["x", "k"], ["c"], group=2, pads=[1, 1, 1, 1]),
        helper.make_node("MaxPool", ["c"], ["y"], kernel_shape=[2, 2], strides=[2, 2]),
    ]
    path = write(tmp_path, nodes, {"k": kernel}, ([2, 2, 4, 4], [2, 2, 2, 2]))
    inputs = random.normal(size=(3, 2, 4, 4)).astype(np.float32)
    (found,) = onnx_by_specification(path, (inputs,))
    padded = np.pad(inputs, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    sums = np.einsum("nchwrs,crs->nchw", windows, kernel[:, 0])
    expected = sums.reshape(3, 2, 2, 2, 2, 2).max(axis=(3, 5))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_pairs_of_operator_set_18_are_evaluated(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y"]),
    ]
    constants = {"s": np.float32(0.5), "z": np.uint8(100)}
    path = write(tmp_path, nodes, constants, (["N", 3], ["N", 3]))
    (found,) = onnx_by_specification(path, (np.array([[-60.0, 0.3, 90.0]], np.float32),))
    np.testing.assert_array_equal(found, [[-50.0, 0.5, 77.5]])


def test_an_operator_that_the_evaluator_lacks_is_named(tmp_path: Path) -> None:
    node = helper.make_node("NoSuchOperator", ["x"], ["y"], domain="com.example")
    path = write(tmp_path, [node], {}, (["N", 4], ["N", 4]))
    with pytest.raises(UnsupportedModelError, match="cannot evaluate it"):
        onnx_by_specification(path, (np.zeros((1, 4), np.float32),))


class _Refusing:
    """A runner whose reference kernels refuse every file."""

    name = "host"

    def open(self, path: Path, plan: Any) -> Any:
        assert plan.kernels == "reference"
        raise FileFormatError(str(path), found="no kernel for FOO", expected="a kernel", next_step="none")


def test_reference_kernels_that_refuse_a_file_are_no_verdict() -> None:
    runner: Any = _Refusing()
    with pytest.raises(UnsupportedModelError, match="no kernel for FOO"):
        tflite_by_specification(Path("a.tflite"), (np.zeros((1, 4), np.float32),), runner)
