"""The table of operators agrees with itself, with the schema of TFLite and with NumPy."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from edgetool.ir.graph import Graph, Op, Tensor
from edgetool.ir.macs import op_macs
from edgetool.ir.operators import OPERATORS, Family, Operator, family_of, kernel_inputs, names_of

SOURCE = Path(__file__).parents[3] / "toolchain" / "edgetool"

ROWS = list(OPERATORS.values())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_agrees_with_itself(row: Operator) -> None:
    assert row.kernel is None or row.kernel in row.weights or row.family is Family.TABLE
    assert sorted(row.keras_order) == list(range(len(row.keras_order)))
    assert not row.int8_weights or row.int8_version > 1


def test_tflite_has_the_operators() -> None:
    schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
    for name in names_of(*Family, is_tflite=True):
        assert hasattr(schema.BuiltinOperator, name)


@pytest.mark.parametrize("name", [row.name for row in ROWS if row.keras_order])
def test_channels_of_a_file_come_back_where_keras_has_them(name: str) -> None:
    row = OPERATORS[name]
    shape = tuple(range(2, 2 + len(row.keras_order)))
    kernel = np.zeros(shape).transpose(row.keras_order)
    assert row.channel_axis is not None
    channels = shape[row.channel_axis]
    if row.keras_channels is not None:
        assert np.moveaxis(kernel, row.keras_channels, 0).shape[0] == channels
    else:
        assert kernel.size == np.zeros(shape).size, "a depthwise kernel is reshaped alone"


def test_names_are_told_by_family_and_format() -> None:
    assert names_of(Family.CONVOLUTION, Family.DENSE, is_tflite=True) == ("CONV_2D", "FULLY_CONNECTED")
    assert set(names_of(Family.DENSE, is_tflite=False)) == {"Gemm", "FusedGemm", "QGemm"}
    assert "GRU" not in names_of(Family.RECURRENT, is_tflite=True)
    assert kernel_inputs(is_tflite=False) == {"Conv": 1, "ConvTranspose": 1, "Gemm": 1, "MatMul": 1, "Gather": 0}
    assert family_of("RELU") is None


def test_products_of_a_dense_layer_are_those_of_the_matrices() -> None:
    tensors = {"x": (3, 5), "w": (7, 5), "y": (3, 7)}
    graph = Graph("tflite", {name: Tensor(name, shape, "float32") for name, shape in tensors.items()}, (), (), ())
    assert op_macs(graph, Op("FULLY_CONNECTED", "y", ("x", "w"), ("y",))) == 3 * 5 * 7


def test_a_dense_layer_is_spelled_in_the_table_and_the_table_of_lowerings_alone() -> None:
    spelled = {
        str(path.relative_to(SOURCE))
        for path in SOURCE.rglob("*.py")
        if re.search(r'"FULLY_CONNECTED"', path.read_text(encoding="utf-8"))
    }
    assert spelled == {"ir/operators.py", "embed/ops/__init__.py"}
