"""Refusals name operator, layer and what to do."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from edgetool.embed.ops.checks import (
    bias_of,
    constant_of,
    fused_range,
    image_shape,
    output_of,
    quantization_of,
    weights_of,
)
from edgetool.errors import UnsupportedModelError
from edgetool.ir.graph import Graph


def test_what_is_there_is_returned(conv_graph: Callable[..., Graph]) -> None:
    graph = conv_graph()
    (op,) = graph.ops
    assert output_of(op, graph).name == "y"
    assert bias_of(op, graph, 3).tolist() == [10, -20, 30]
    assert bias_of(dataclasses.replace(op, inputs=("x", "w")), graph, 3).tolist() == [0, 0, 0]
    assert image_shape(op, graph.tensors["x"]) == (4, 4, 2)


def test_what_does_not_fit_is_refused(conv_graph: Callable[..., Graph]) -> None:
    graph = conv_graph()
    (op,) = graph.ops
    bare = dataclasses.replace(graph.tensors["x"], quantization=None)
    with pytest.raises(UnsupportedModelError, match="without scale"):
        quantization_of(op, bare)
    with pytest.raises(UnsupportedModelError, match="constant of int8"):
        constant_of(op, graph, 2, "int8")
    with pytest.raises(UnsupportedModelError, match="3 biases"):
        bias_of(op, graph, 4)
    with pytest.raises(UnsupportedModelError, match="TANH"):
        fused_range(dataclasses.replace(op, attributes={"fused_activation_function": "TANH"}), graph.tensors["y"])
    with pytest.raises(UnsupportedModelError, match=r"y \(CONV_2D\).*\[1, H, W, C\]"):
        image_shape(op, dataclasses.replace(graph.tensors["x"], shape=(1, 4)))
    with pytest.raises(UnsupportedModelError, match=r"\[6, 4, 4, 2\]"):
        image_shape(op, dataclasses.replace(graph.tensors["x"], shape=(6, 4, 4, 2)))
    assert np.iinfo(np.int8).max == fused_range(op, graph.tensors["y"])[1]


def test_weights_are_int8_or_int4_and_nothing_else(conv_graph: Callable[..., Graph]) -> None:
    graph = conv_graph()
    (op,) = graph.ops
    given = graph.tensors["w"]
    for dtype in ("int8", "int4"):
        tensors = {**graph.tensors, "w": dataclasses.replace(given, dtype=dtype)}
        assert weights_of(op, dataclasses.replace(graph, tensors=tensors), "int8") is given.constant
    tensors = {**graph.tensors, "w": dataclasses.replace(given, dtype="int16")}
    with pytest.raises(UnsupportedModelError, match="int16"):
        weights_of(op, dataclasses.replace(graph, tensors=tensors), "int8")
    with pytest.raises(UnsupportedModelError, match="nothing"):
        weights_of(dataclasses.replace(op, inputs=("x",)), graph, "int8")
