"""ADD."""

from __future__ import annotations

import dataclasses

import pytest

from edgetool.embed.ops.add import lower_add
from edgetool.errors import UnsupportedModelError
from edgetool.ir.graph import Graph


def test_scales_are_brought_to_the_larger_one(residual_graph: Graph) -> None:
    step = lower_add(residual_graph.ops[2], residual_graph)
    scales = step.fields["scales"]
    assert isinstance(scales, dict)
    assert scales["multiplier_0"] == scales["multiplier_1"] == 1 << 30 and scales["shift_0"] == 0
    assert scales["low"] == 0 and step.overwrites == (0, 1) and step.fields["num_elements"] == 32


def test_a_repeated_summand_has_a_kernel_that_repeats_it(residual_graph: Graph) -> None:
    one = dataclasses.replace(residual_graph.tensors["a"], shape=(1, 1, 1, 2))
    tensors = {name: dataclasses.replace(t, shape=(1, *t.shape[1:])) for name, t in residual_graph.tensors.items()}
    step = lower_add(residual_graph.ops[2], dataclasses.replace(residual_graph, tensors={**tensors, "a": one}))
    shape = step.fields["shape"]
    assert step.kernel == "broadcast_add_s8" and step.overwrites == (0,) and isinstance(shape, dict)
    assert [shape[name] for name in ("n2", "n3", "a2", "a3", "b2", "b3")] == [16, 2, 2, 1, 0, 1]


def test_other_shapes_are_refused(residual_graph: Graph) -> None:
    one = dataclasses.replace(residual_graph.tensors["a"], shape=(1, 3, 1, 2))
    graph = dataclasses.replace(residual_graph, tensors={**residual_graph.tensors, "a": one})
    with pytest.raises(UnsupportedModelError, match="shapes that broadcast"):
        lower_add(graph.ops[2], graph)
