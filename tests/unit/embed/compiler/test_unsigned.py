"""Unsigned bytes as signed ones."""

from __future__ import annotations

import numpy as np

from edgetool.embed.compiler.unsigned import as_signed, as_unsigned, flipped, name_in_file
from edgetool.ir.graph import Graph, Op, Quantization, Tensor

SCALE = Quantization((0.5,), (130,))


def _graph() -> Graph:
    tensors = {name: Tensor(name, (1, 4), "uint8", SCALE) for name in "xmy"}
    tensors["w"] = Tensor("w", (2,), "uint8", SCALE, np.array([0, 255], np.uint8))
    ops = (Op("A", "m", ("x", "w"), ("m",), {"axis": 1}), Op("B", "y", ("m",), ("y",)))
    return Graph("tflite", tensors, ops, ("x",), ("y",))


def test_only_the_ends_stay_unsigned() -> None:
    graph = as_signed(_graph())
    assert [(op.kind, op.inputs, op.outputs) for op in graph.ops] == [
        ("FLIP_SIGN", ("x",), ("x as int8",)),
        ("A", ("x as int8", "w"), ("m",)),
        ("B", ("m",), ("y as int8",)),
        ("FLIP_SIGN", ("y as int8",), ("y",)),
    ]
    assert graph.ops[1].attributes == {"axis": 1, "unsigned": True}
    assert {name: tensor.dtype for name, tensor in graph.tensors.items()} == {
        "x": "uint8",
        "y": "uint8",
        "x as int8": "int8",
        "y as int8": "int8",
        "m": "int8",
        "w": "int8",
    }
    assert graph.tensors["m"].quantization == Quantization((0.5,), (2,))
    values = graph.constant("w")
    assert values is not None and values.tolist() == [-128, 127]
    assert name_in_file("x as int8") == "x" and name_in_file("m") == "m"


def test_a_graph_without_unsigned_bytes_is_left_alone() -> None:
    graph = Graph("tflite", {"x": Tensor("x", (1,), "int8", SCALE)}, (), ("x",), ("x",))
    assert as_signed(graph) is graph


def test_both_ways_are_one_another() -> None:
    values = np.array([-128, -1, 0, 127], np.int8)
    assert flipped(values).tolist() == [0, 127, 128, 255] and np.array_equal(flipped(flipped(values)), values)
    tensor = Tensor("x", (1,), "int8", Quantization((0.5,), (2,)))
    assert as_unsigned(tensor) == Tensor("x", (1,), "uint8", SCALE)
