"""Parts of several scales, which are joined in unsigned bytes alone."""

from __future__ import annotations

import dataclasses

import pytest

from edgetool.embed.compiler.context import Context
from edgetool.embed.compiler.passes.joined_scales import rescale_joined
from edgetool.embed.compiler.pipeline import lower_graph
from edgetool.errors import UnsupportedModelError
from edgetool.ir.graph import Graph, Op, Quantization, Tensor

ONE, OTHER = Quantization((0.5,), (3,)), Quantization((0.25,), (7,))
TENSORS = {
    "a": Tensor("a", (1, 4), "uint8", ONE),
    "b": Tensor("b", (1, 4), "uint8", OTHER),
    "y": Tensor("y", (1, 12), "uint8", ONE),
}
JOIN = Op("CONCATENATION", "y", ("a", "b", "b"), ("y",), {"axis": 1, "fused_activation_function": "NONE"})
GRAPH = Graph("tflite", TENSORS, (JOIN,), ("a", "b"), ("y",))


def test_a_part_of_another_scale_is_rescaled_once() -> None:
    kernels = [step.kernel for step in lower_graph(GRAPH, Context(digest="d")).steps]
    assert kernels == ["flip_sign_u8", "flip_sign_u8", "table_s8", "copy_s8", "copy_s8", "copy_s8", "flip_sign_u8"]


def test_signed_bytes_are_refused_as_litert_does() -> None:
    signed = {name: dataclasses.replace(tensor, dtype="int8") for name, tensor in TENSORS.items()}
    graph = dataclasses.replace(GRAPH, tensors=signed)
    assert rescale_joined(graph).ops == graph.ops
    with pytest.raises(UnsupportedModelError, match="b of another scale than the result"):
        lower_graph(graph, Context(digest="d"))
