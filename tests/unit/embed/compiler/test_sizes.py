"""Sizes that a file does not state, and what to do about them."""

from __future__ import annotations

import dataclasses

import pytest

from edgetool.embed.compiler.sizes import computed_size, require_known_sizes
from edgetool.errors import UnsupportedModelError
from edgetool.ir.graph import Graph, Op, Quantization, Tensor

TENSORS = {"x": Tensor("x", (-1, 8, 8, 2), "float32"), "y": Tensor("y", (-1, 16, 16, 2), "float32")}
GRAPH = Graph("tflite", TENSORS, (Op("RESIZE_BILINEAR", "y", ("x", "size"), ("y",)),), ("x",), ("y",))


def _with(**changes: Tensor) -> Graph:
    return dataclasses.replace(GRAPH, tensors={**TENSORS, **changes})


def test_an_open_batch_is_no_matter() -> None:
    require_known_sizes(GRAPH)
    assert computed_size(GRAPH) is None


def test_open_inputs_of_floats_can_be_fixed() -> None:
    graph = _with(x=Tensor("x", (-1, -1, 8, 2), "float32"))
    with pytest.raises(UnsupportedModelError, match=r"shape \[-1, -1, 8, 2\]") as caught:
        require_known_sizes(graph)
    assert "edgetool export MODEL.tflite --input-shape x=1x224x8x2 -o fixed.tflite" in caught.value.next_step


def test_what_export_refuses_is_not_advised() -> None:
    graph = _with(x=Tensor("x", (-1, -1, 8, 2), "int8", Quantization((0.5,), (0,))))
    with pytest.raises(UnsupportedModelError) as caught:
        require_known_sizes(graph)
    assert "export" not in caught.value.next_step and "--runtime array" in caught.value.next_step


def test_computed_sizes_are_found() -> None:
    graph = _with(y=Tensor("y", (), "float32"))
    assert computed_size(graph) == graph.tensors["y"]
    with pytest.raises(UnsupportedModelError, match="computed while the model runs"):
        require_known_sizes(graph)
