"""Open sizes become 1, in subgraphs too."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from edgetool.embed.compiler.passes.fixed_shapes import with_fixed_shapes
from edgetool.ir.graph import Graph


def test_the_batch_is_1_on_whatever_axis(conv_graph: Callable[..., Graph]) -> None:
    graph = conv_graph()
    moved = dataclasses.replace(graph.tensors["y"], shape=(4, -1, 4, 3))
    graph = dataclasses.replace(graph, tensors={**graph.tensors, "y": moved})
    fixed = with_fixed_shapes(dataclasses.replace(graph, subgraphs=(graph,)))
    for part in (fixed, *fixed.subgraphs):
        assert part.tensors["x"].shape == (1, 4, 4, 2) and part.tensors["y"].shape == (4, 1, 4, 3)


def test_known_sizes_stay(conv_graph: Callable[..., Graph]) -> None:
    fixed = with_fixed_shapes(conv_graph())
    assert with_fixed_shapes(fixed) == fixed
