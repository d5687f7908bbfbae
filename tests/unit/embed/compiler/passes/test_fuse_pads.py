"""Padding becomes part of the convolution where that gives the same bytes, and stays where it does not."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from edgetool.embed.compiler.context import Context
from edgetool.embed.compiler.passes.fuse_pads import fuse_pads
from edgetool.embed.compiler.pipeline import lower_graph
from edgetool.ir.graph import Graph, Op, Quantization, Tensor

ROWS = ((0, 0), (1, 0), (0, 1), (0, 0))


def padded(graph: Graph, *, rows: Any = ROWS, kind: str = "PAD", value: int | None = None, **changes: Any) -> Graph:
    """Return u -> PAD -> x -> CONV_2D, where x is `[1, 4, 4, 2]` with zero point -3."""
    x = dataclasses.replace(graph.tensors["x"], shape=(1, 4, 4, 2))
    shape = tuple(size - sum(row) for size, row in zip(x.shape, rows, strict=True))
    u = dataclasses.replace(x, name="u", shape=shape, **changes)
    tensors = {**graph.tensors, "x": x, "u": u, "p": Tensor("p", (4, 2), "int32", None, np.array(rows, np.int32))}
    inputs = ("u", "p")
    if value is not None:
        tensors["v"] = Tensor("v", (), "int8", None, np.array(value, np.int8))
        inputs = (*inputs, "v")
    y = dataclasses.replace(graph.tensors["y"], shape=(1, 2, 2, 3))
    ops = (Op(kind, "x", inputs, ("x",)), *graph.ops)
    return dataclasses.replace(graph, tensors={**tensors, "y": y}, ops=ops, inputs=("u",))


@pytest.fixture
def graph(conv_graph: Callable[..., Graph]) -> Graph:
    return conv_graph(padding="VALID")


def test_the_copy_is_gone_and_its_sides_are_kept(graph: Graph) -> None:
    (step,) = lower_graph(padded(graph), Context(digest="d")).steps
    assert step.kernel == "conv_s8" and step.inputs == ("u",)
    names = ("in_h", "in_w", "out_h", "out_w", "pad_top", "pad_left", "in_zero")
    assert [step.fields[name] for name in names] == [3, 3, 2, 2, 1, 0, -3]


def test_a_change_of_shape_between_them_is_no_obstacle(graph: Graph) -> None:
    """As a causal convolution in one dimension has it: PAD of [1, 4, 2] and EXPAND_DIMS to [1, 1, 4, 2]."""
    weights = dataclasses.replace(graph.tensors["w"], constant=np.ones((3, 1, 3, 2), np.int8), shape=(3, 1, 3, 2))
    x = dataclasses.replace(graph.tensors["x"], shape=(1, 1, 4, 2))
    flat = dataclasses.replace(x, name="f", shape=(1, 4, 2))
    u = dataclasses.replace(x, name="u", shape=(1, 2, 2))
    rows = Tensor("p", (3, 2), "int32", None, np.array(((0, 0), (2, 0), (0, 0)), np.int32))
    y = dataclasses.replace(graph.tensors["y"], shape=(1, 1, 2, 3))
    tensors = {**graph.tensors, "w": weights, "x": x, "f": flat, "u": u, "p": rows, "y": y}
    ops = (Op("PAD", "f", ("u", "p"), ("f",)), Op("EXPAND_DIMS", "x", ("f",), ("x",)), *graph.ops)
    changed = dataclasses.replace(graph, tensors=tensors, ops=ops, inputs=("u",))
    program = lower_graph(changed, Context(digest="d"))
    (step,) = program.steps
    assert program.owner(step.inputs[0]) == "u" and program.tensors["x"].shape == (1, 1, 2, 2)
    assert [step.fields[name] for name in ("in_w", "pad_top", "pad_left", "out_w")] == [2, 0, 2, 2]


@pytest.mark.parametrize(
    "changes",
    [
        {"rows": ((0, 0), (1, 0), (0, 0), (0, 1))},
        {"rows": ((0, 0), (3, 0), (0, 0), (0, 0))},
        {"rows": ((0, 0), (1, -1), (0, 0), (0, 0))},
        {"kind": "PADV2", "value": 0},
        {"quantization": Quantization((0.25,), (-3,))},
    ],
    ids=["of channels", "larger than the window", "cut off", "another value", "another scale"],
)
def test_other_padding_stays(graph: Graph, changes: dict[str, Any]) -> None:
    given = padded(graph, **changes)
    assert fuse_pads(given).ops == given.ops


def test_the_zero_point_is_told_as_a_value_too(graph: Graph) -> None:
    assert fuse_pads(padded(graph, kind="PADV2", value=-3)).ops[-1].attributes["pads"] == (1, 0)


def test_padding_that_is_needed_again_stays(graph: Graph) -> None:
    given = padded(graph)
    assert fuse_pads(dataclasses.replace(given, outputs=("y", "x"))).ops == given.ops
    again = dataclasses.replace(given.ops[-1], name="z", outputs=("z",))
    twice = dataclasses.replace(given, ops=(*given.ops, again))
    assert fuse_pads(twice).ops == twice.ops


def test_a_convolution_with_padding_of_its_own_keeps_it(conv_graph: Callable[..., Graph]) -> None:
    given = padded(conv_graph(padding="SAME"))
    assert fuse_pads(given).ops == given.ops
