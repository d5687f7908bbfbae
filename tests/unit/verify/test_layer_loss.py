"""The layer that loses most is named, and so is the column that others take the steps of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgetool.verify.layer_loss import BEST_DB, LayerLoss, find_losses, report_losses

INPUTS = np.random.default_rng(0).normal(size=(24, 6)).astype(np.float32)


def _write(path: Path, kernels: list[np.ndarray], reaches: list[float] | None) -> Path:
    """Write layers `l0`, `l1`, ... in a row; with `reaches` what each tensor is rounded to in 8 bits."""
    nodes, constants = [], []
    name = "x"
    for index in range(len(kernels) + 1):
        source = name
        if reaches is not None:
            step = np.float32(2.0 * reaches[index] / 255.0)
            constants += [numpy_helper.from_array(np.asarray(step), f"s{index}")]
            constants += [numpy_helper.from_array(np.asarray(128, np.uint8), f"z{index}")]
            nodes.append(helper.make_node("QuantizeLinear", [name, f"s{index}", f"z{index}"], [f"q{index}"]))
            source = f"d{index}"
            nodes.append(helper.make_node("DequantizeLinear", [f"q{index}", f"s{index}", f"z{index}"], [source]))
        if index == len(kernels):
            break
        constants.append(numpy_helper.from_array(kernels[index], f"k{index}"))
        name = f"layer{index}/1"
        nodes.append(helper.make_node("MatMul", [source, f"k{index}"], [name]))
    value = helper.make_tensor_value_info
    out = value(name, TensorProto.FLOAT, ["N", kernels[-1].shape[1]])
    graph = helper.make_graph(nodes, "g", [value("x", TensorProto.FLOAT, ["N", 6])], [out], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def _kernels(wide: float = 1.0) -> list[np.ndarray]:
    random = np.random.default_rng(1)
    kernels = [random.normal(size=(6, 6)).astype(np.float32) for _ in range(3)]
    kernels[1][:, 4] *= np.float32(wide)
    kernels[2][4] /= np.float32(wide)
    return kernels


def _reaches(kernels: list[np.ndarray], inputs: np.ndarray) -> list[float]:
    values, found = inputs, [float(np.abs(inputs).max())]
    for kernel in kernels:
        values = values @ kernel
        found.append(float(np.abs(values).max()))
    return found


def _pair(folder: Path, kernels: list[np.ndarray], inputs: np.ndarray) -> tuple[Path, Path]:
    rounded = _write(folder / "int8.onnx", kernels, _reaches(kernels, inputs))
    return _write(folder / "float.onnx", kernels, None), rounded


def test_honest_rounding_names_nothing(tmp_path: Path) -> None:
    report = find_losses(*_pair(tmp_path, _kernels(), INPUTS), (INPUTS,))
    assert report.layer is None and report.columns == ()
    assert report.output_db > 30.0


def test_the_layer_with_one_wide_channel_is_named(tmp_path: Path) -> None:
    report = find_losses(*_pair(tmp_path, _kernels(wide=3000.0), INPUTS), (INPUTS,))
    assert report.layer is not None
    assert (report.layer.layer, report.layer.kind, report.layer.wide_channel) == ("layer1", "MatMul", 4)
    assert report.layer.wide_ratio > 500.0
    assert report.layer.before_db > 30.0 > 10.0 > report.layer.after_db
    assert report.columns == ()


def test_a_column_that_takes_the_others_steps_is_named(tmp_path: Path) -> None:
    inputs = INPUTS * np.array([1, 1, 2000, 1, 0.1, 1500], np.float32)
    kernels = _kernels()
    kernels[0] /= np.array([1, 1, 2000, 1, 0.1, 1500], np.float32)[:, None]
    report = find_losses(*_pair(tmp_path, kernels, inputs), (inputs,))
    assert [(column.input, column.column, column.widest) for column in report.columns] == [
        ("x", index, int(np.abs(inputs).max(axis=0).argmax())) for index in (0, 1, 3, 4)
    ]
    assert report.columns[0].reach == pytest.approx(np.abs(inputs[:, 0]).max())


def test_constant_channels_and_equal_files_lose_nothing(tmp_path: Path) -> None:
    kernels = _kernels()
    kernels[1][:, 2] = 0.0
    float_file = _write(tmp_path / "float.onnx", kernels, None)
    report = find_losses(float_file, float_file, (INPUTS,))
    assert report.layer is None and report.output_db == BEST_DB


def test_the_report_crosses_a_process_as_json(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", INPUTS)
    files = _pair(tmp_path, _kernels(wide=3000.0), INPUTS)
    found = report_losses(str(files[0]), str(files[1]), [str(tmp_path / "x.npy")])
    assert found["layer"]["layer"] == "layer1" and set(found["layer"]) == set(LayerLoss.__slots__)
