"""TRANSPOSE_CONV."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from edgetool.embed.ops.transpose_conv import lower_transpose_conv
from edgetool.errors import UnsupportedModelError
from edgetool.ir.graph import Graph, Op, Quantization, Tensor


def _graph(weights: np.ndarray) -> Graph:
    quantization = Quantization((0.5,), (3,))
    tensors = {
        "s": Tensor("s", (4,), "int32", None, np.array([1, 8, 8, 2], np.int32)),
        "w": Tensor("w", weights.shape, "int8", Quantization((0.25,), (0,)), weights),
        "x": Tensor("x", (1, 4, 4, 3), "int8", quantization),
        "y": Tensor("y", (1, 8, 8, 2), "int8", quantization),
    }
    op = Op("TRANSPOSE_CONV", "y", ("s", "w", "x"), ("y",), {"stride_h": 2, "stride_w": 2, "padding": "SAME"})
    return Graph("tflite", tensors, (op,), ("x",), ("y",))


def test_padding_is_that_of_the_forward_convolution() -> None:
    graph = _graph(np.ones((2, 5, 3, 3), np.int8))
    step = lower_transpose_conv(graph.ops[0], graph)
    shape, sums = step.fields["shape"], step.fields["sums"]
    assert isinstance(shape, dict) and (shape["pad_top"], shape["pad_left"]) == (1, 0)
    assert isinstance(sums, np.ndarray) and sums.shape == (5, 3, 2) and (sums == 9).all()  # 3 channels, zero point 3


def test_weights_of_another_shape_are_refused() -> None:
    graph = _graph(np.ones((3, 5, 3, 3), np.int8))
    with pytest.raises(UnsupportedModelError, match=r"\[2, height, width, 3\]"):
        lower_transpose_conv(graph.ops[0], graph)


def test_16_bits_have_biases_of_64() -> None:
    graph = _graph(np.ones((2, 5, 3, 3), np.int8))
    wide = {name: dataclasses.replace(graph.tensors[name], dtype="int16") for name in "xy"}
    step = lower_transpose_conv(graph.ops[0], dataclasses.replace(graph, tensors={**graph.tensors, **wide}))
    biases = step.fields["biases"]
    assert step.kernel == "transpose_conv_s16" and "sums" not in step.fields
    assert isinstance(biases, np.ndarray) and biases.dtype == np.int64
