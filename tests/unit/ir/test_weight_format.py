"""The format of weights is read off tensors as files store them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgetool.ir import read_graph
from edgetool.ir.graph import Graph, Op, Quantization, Tensor
from edgetool.ir.weight_format import coarsest_format, format_of, format_of_values
from edgetool.records import FLOAT32, INT8, WeightFormat

GOLDEN = Path(__file__).parents[2] / "golden" / "models"
VALUES = np.array([[0, 5], [0, -3]], np.int8)


def tensor(dtype: str, quantization: Quantization | None = None, values: np.ndarray = VALUES) -> Tensor:
    return Tensor("k", values.shape, dtype, quantization, constant=values)


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (tensor("int8", Quantization((0.5,), (0,))), WeightFormat(8, True, "tensor", True, 3, 0.5)),
        (tensor("int8", Quantization((0.5, 0.1), (0, 0), 0)), WeightFormat(8, True, "channel", True, 3, 0.5)),
        (tensor("int8", Quantization((0.5,), (5,))), WeightFormat(8, True, "tensor", False, 3, 0.25)),
        (tensor("int4", Quantization((0.5,), (0,))), WeightFormat(4, True, "tensor", True, 3, 0.5)),
        (tensor("int8", Quantization((), (0, 0), 0)), WeightFormat(8, True, "channel", True, 3, 0.5)),
        (tensor("float16", values=VALUES.astype(np.float16)), WeightFormat(16, False, "none", True, 3, 0.5)),
        (tensor("bfloat16", values=VALUES.astype(np.float32)), WeightFormat(16, False, "none", True, 3, 0.5)),
    ],
)
def test_every_field_is_what_the_file_says(stored: Tensor, expected: WeightFormat) -> None:
    assert format_of(stored) == expected


@pytest.mark.parametrize(("zero_point", "symmetric"), [(128, True), (120, False)])
def test_the_middle_of_an_unsigned_type_is_symmetric(zero_point: int, symmetric: bool) -> None:
    values = np.array([[128, 7]], np.uint8)
    assert format_of(tensor("uint8", Quantization((0.5,), (zero_point,)), values)).symmetric is symmetric


def test_arrays_without_a_file_are_floats() -> None:
    assert format_of_values(np.array([0.0, 1.0, 1.0, 2.0])) == WeightFormat(64, palette=3, zeros=0.25)


@pytest.mark.parametrize(("file", "bits", "is_integer"), [("tiny_float32", 32, False), ("tiny_int8", 8, True)])
def test_a_model_is_as_coarse_as_its_coarsest_kernel(file: str, bits: int, is_integer: bool) -> None:
    stored = coarsest_format(read_graph(GOLDEN / f"{file}.tflite"))
    assert (stored.bits, stored.is_integer) == (bits, is_integer)


def test_integer_activations_count_and_a_model_without_weights_is_float() -> None:
    x = {"x": Tensor("x", (1, 4), "float32")}
    assert coarsest_format(Graph("tflite", x, (), ("x",), ("x",))) == FLOAT32
    assert coarsest_format(Graph("tflite", x, (Op("QUANTIZE", "q", ("x",), ("q",)),), ("x",), ("q",))) == INT8
