"""From graphs to programs: what is kept, dropped and refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgetool.embed.compiler.context import Context
from edgetool.embed.compiler.pipeline import lower_file, lower_graph
from edgetool.errors import EdgetoolError, FileFormatError, UnsupportedModelError
from edgetool.ir.graph import Graph, Op, Tensor

GOLDEN = Path(__file__).parents[3] / "golden" / "models"


def _replace(graph: Graph, *ops: Op, **tensors: Tensor) -> Graph:
    return dataclasses.replace(graph, ops=ops or graph.ops, tensors={**graph.tensors, **tensors})


def test_a_file_becomes_kernel_calls() -> None:
    program = lower_file(GOLDEN / "tiny_int8.tflite")
    assert [step.output for step in program.steps] and program.source_digest
    assert all(-1 not in program.tensors[name].shape for name in (*program.inputs, *program.outputs))


def test_operators_that_no_output_needs_are_dropped(conv_graph: Callable[..., Graph]) -> None:
    graph = conv_graph()
    unused = Op("WHATEVER", "unused", ("x",), ("unused",))
    assert len(lower_graph(_replace(graph, *graph.ops, unused), Context(digest="d")).steps) == 1


def test_a_change_of_shape_takes_no_step(conv_graph: Callable[..., Graph]) -> None:
    graph = conv_graph()
    flat = dataclasses.replace(graph.tensors["y"], name="flat", shape=(-1, 48))
    graph = _replace(graph, *graph.ops, Op("RESHAPE", "flat", ("y",), ("flat",)), flat=flat)
    program = lower_graph(dataclasses.replace(graph, outputs=("flat",)), Context(digest="d"))
    assert len(program.steps) == 1 and program.owner("flat") == "y"


def test_a_change_of_shape_to_another_size_is_refused(conv_graph: Callable[..., Graph]) -> None:
    """Of a file that turned the rows of a fully connected layer into a batch that only its interpreter knows."""
    graph = conv_graph()
    flat = dataclasses.replace(graph.tensors["y"], name="flat", shape=(1, 24))
    graph = _replace(graph, *graph.ops, Op("RESHAPE", "flat", ("y",), ("flat",)), flat=flat)
    with pytest.raises(UnsupportedModelError, match=r"\[1, 4, 4, 3\] as \[1, 24\]"):
        lower_graph(dataclasses.replace(graph, outputs=("flat",)), Context(digest="d"))


def test_all_operators_without_a_kernel_are_named(conv_graph: Callable[..., Graph]) -> None:
    graph = conv_graph()
    odd = (Op("CUSTOM:Mine", "m", ("x",), ("m",)), Op("TOPK_V2", "c", ("m",), ("y",)))
    with pytest.raises(UnsupportedModelError) as caught:
        lower_graph(_replace(graph, *odd), Context(digest="d"))
    assert "CUSTOM:Mine (m), TOPK_V2 (c)" in str(caught.value) and "--runtime array" in caught.value.next_step


def test_the_dense_form_of_a_constant_is_that_constant(conv_graph: Callable[..., Graph]) -> None:
    graph = conv_graph()
    (conv,) = graph.ops
    dense = dataclasses.replace(graph.tensors["w"], name="dense", constant=None)
    (plain,) = lower_graph(graph, Context(digest="d")).steps
    densified = _replace(
        graph,
        Op("DENSIFY", "dense", ("w",), ("dense",)),
        dataclasses.replace(conv, inputs=("x", "dense", "b")),
        dense=dense,
    )
    (step,) = lower_graph(densified, Context(digest="d")).steps
    assert all(
        (value == step.fields[name]).all() if hasattr(value, "all") else value == step.fields[name]
        for name, value in plain.fields.items()
    )
    of_activation = _replace(graph, Op("DENSIFY", "dense", ("x",), ("dense",)), conv, dense=dense)
    with pytest.raises(UnsupportedModelError, match="DENSIFY"):
        lower_graph(dataclasses.replace(of_activation, outputs=("dense",)), Context(digest="d"))


def test_open_sizes_are_refused(conv_graph: Callable[..., Graph]) -> None:
    graph = conv_graph()
    wide = dataclasses.replace(graph.tensors["x"], shape=(-1, -1, 4, 2))
    with pytest.raises(UnsupportedModelError, match="sizes that are known"):
        lower_graph(_replace(graph, x=wide), Context(digest="d"))


def test_sizes_that_are_computed_are_refused(conv_graph: Callable[..., Graph]) -> None:
    graph = conv_graph()
    larger = dataclasses.replace(graph.tensors["y"], name="larger", shape=())
    graph = _replace(graph, *graph.ops, Op("RESIZE_BILINEAR", "larger", ("y", "size"), ("larger",)), larger=larger)
    with pytest.raises(UnsupportedModelError, match="computed while the model runs"):
        lower_graph(dataclasses.replace(graph, outputs=("larger",)), Context(digest="d"))


def test_a_batch_may_be_moved_to_another_axis() -> None:
    tensors = {
        "x": Tensor("x", (-1, 3, 4), "float32"),
        "order": Tensor("order", (3,), "int32", None, np.array((1, 0, 2), "i4")),
        "steps": Tensor("steps", (3, -1, 4), "float32"),
        "y": Tensor("y", (3, -1, 4), "float32"),
    }
    ops = (Op("TRANSPOSE", "steps", ("x", "order"), ("steps",)), Op("TANH", "y", ("steps",), ("y",)))
    program = lower_graph(Graph("tflite", tensors, ops, ("x",), ("y",)), Context(digest="d"))
    assert program.tensors["steps"].shape == (3, 1, 4)


def test_custom_operators_are_said_to_be_such(conv_graph: Callable[..., Graph]) -> None:
    graph = conv_graph()
    custom = Op("CUSTOM:Landmarks", "z", ("y",), ("z",))
    graph = _replace(graph, *graph.ops, custom, z=dataclasses.replace(graph.tensors["y"], name="z"))
    with pytest.raises(UnsupportedModelError, match="custom operators") as caught:
        lower_graph(dataclasses.replace(graph, outputs=("z",)), Context(digest="d"))
    assert "CUSTOM:Landmarks" in str(caught.value) and "compress" not in caught.value.next_step


def test_files_for_an_accelerator_are_told_apart(conv_graph: Callable[..., Graph]) -> None:
    graph = conv_graph()
    graph = _replace(graph, Op("CUSTOM:ethos-u", "y", ("x",), ("y",)))
    with pytest.raises(UnsupportedModelError, match=r"compiled for an Ethos-U \(Vela\)"):
        lower_graph(graph, Context(digest="d"))


def test_circles_and_missing_outputs_are_damage(conv_graph: Callable[..., Graph]) -> None:
    graph = conv_graph()
    circle = dataclasses.replace(graph.ops[0], inputs=("y", "w", "b"))
    with pytest.raises(EdgetoolError):
        lower_graph(_replace(graph, circle), Context(digest="d"))
    with pytest.raises(FileFormatError, match="no operator"):
        lower_graph(dataclasses.replace(graph, outputs=("x",)), Context(digest="d"))


def test_a_shape_that_is_computed_is_not_looked_at(conv_graph: Callable[..., Graph]) -> None:
    graph = conv_graph()
    flat = dataclasses.replace(graph.tensors["y"], name="flat", shape=(1, 48))
    graph = _replace(
        graph,
        *graph.ops,
        Op("RESHAPE", "flat", ("y", "nowhere"), ("flat",)),
        flat=flat,
        nowhere=Tensor("nowhere", (2,), "int32"),
    )
    assert len(lower_graph(dataclasses.replace(graph, outputs=("flat",)), Context(digest="d")).steps) == 1
