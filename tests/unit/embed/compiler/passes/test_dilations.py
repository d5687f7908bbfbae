"""Convolutions between batches of spaces are dilated where nothing else reads what lies between."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from edgetool.embed.compiler.context import Context
from edgetool.embed.compiler.passes.dilations import fuse_dilations
from edgetool.embed.compiler.pipeline import lower_graph
from edgetool.ir.graph import Graph, Op, Tensor


def spread(graph: Graph, *, crops: tuple[int, ...] = (0, 0, 0, 0)) -> Graph:
    """Return u -> SPACE_TO_BATCH_ND -> x -> CONV_2D -> y -> BATCH_TO_SPACE_ND -> z, in blocks of 2 x 2."""
    tensors = dict(graph.tensors)
    tensors["u"] = dataclasses.replace(tensors["x"], name="u", shape=(1, 8, 8, 2))
    tensors["x"] = dataclasses.replace(tensors["x"], shape=(4, 6, 6, 2))
    tensors["y"] = dataclasses.replace(tensors["y"], shape=(4, 4, 4, 3))
    tensors["z"] = dataclasses.replace(tensors["y"], name="z", shape=(1, 8 - sum(crops[:2]), 8 - sum(crops[2:]), 3))
    for name, values in (("s", [2, 2]), ("p", [[2, 2], [2, 2]]), ("c", np.reshape(crops, (2, 2)))):
        array = np.array(values, np.int32)
        tensors[name] = Tensor(name, array.shape, "int32", None, array)
    ops = (
        Op("SPACE_TO_BATCH_ND", "x", ("u", "s", "p"), ("x",)),
        *graph.ops,
        Op("BATCH_TO_SPACE_ND", "z", ("y", "s", "c"), ("z",)),
    )
    return dataclasses.replace(graph, tensors=tensors, ops=ops, inputs=("u",), outputs=("z",))


@pytest.fixture
def graph(conv_graph: Callable[..., Graph]) -> Graph:
    return conv_graph(padding="VALID")


def test_blocks_are_dilation_and_what_was_added_is_padding(graph: Graph) -> None:
    (step,) = lower_graph(spread(graph), Context(digest="d")).steps
    names = ("dilation_h", "dilation_w", "pad_top", "pad_left", "in_h", "out_h")
    assert [step.fields[name] for name in names] == [2, 2, 2, 2, 8, 8]
    (step,) = lower_graph(spread(graph, crops=(1, 0, 0, 2)), Context(digest="d")).steps
    assert [step.fields[name] for name in names] == [2, 2, 1, 2, 8, 7]


def test_what_others_read_stays(graph: Graph) -> None:
    between = spread(graph)
    assert len(fuse_dilations(between).ops) == 3
    between = dataclasses.replace(between, outputs=("z", "y"))
    assert fuse_dilations(between) is between


def test_strides_and_other_blocks_stay(graph: Graph) -> None:
    given = spread(graph)
    first, conv, last = given.ops
    wide = dataclasses.replace(conv, attributes={**conv.attributes, "stride_h": 2})
    strided = dataclasses.replace(given, ops=(first, wide, last))
    assert fuse_dilations(strided) is strided
    tensors = {**given.tensors, "d": dataclasses.replace(given.tensors["s"], constant=np.array([2, 1], np.int32))}
    other = dataclasses.replace(
        given, tensors=tensors, ops=(first, conv, dataclasses.replace(last, inputs=("y", "d", "c")))
    )
    assert fuse_dilations(other) is other
