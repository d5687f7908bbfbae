"""What no output and no state depends on goes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from edgetool.embed.compiler.passes.unneeded import drop_unneeded
from edgetool.ir.graph import Graph, Op


def test_operators_without_a_reader_go_and_the_order_stays(residual_graph: Graph) -> None:
    unread = Op("WHATEVER", "u", ("a",), ("u",))
    first, *others = residual_graph.ops
    graph = dataclasses.replace(residual_graph, ops=(first, unread, *others))
    assert drop_unneeded(graph).ops == residual_graph.ops


def test_what_makes_a_state_stays(conv_graph: Callable[..., Graph]) -> None:
    graph = conv_graph()
    keep = Op("ASSIGN_VARIABLE", "s", ("y",), ("s",))
    graph = dataclasses.replace(graph, ops=(*graph.ops, keep), outputs=("x",))
    assert drop_unneeded(graph).ops == ()
    assert drop_unneeded(dataclasses.replace(graph, states={"s": np.zeros(3)})).ops == graph.ops


def test_the_shape_of_a_change_of_shape_is_not_computed(conv_graph: Callable[..., Graph]) -> None:
    graph = conv_graph()
    shape = Op("SHAPE", "n", ("x",), ("n",))
    reshape = Op("RESHAPE", "flat", ("y", "n"), ("flat",))
    graph = dataclasses.replace(graph, ops=(*graph.ops, shape, reshape), outputs=("flat",))
    kept = drop_unneeded(graph)
    assert [op.kind for op in kept.ops] == ["CONV_2D", "RESHAPE"] and kept.ops[1].inputs == ("y",)
