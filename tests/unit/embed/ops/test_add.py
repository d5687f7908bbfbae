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


def test_other_shapes_are_refused(residual_graph: Graph) -> None:
    one = dataclasses.replace(residual_graph.tensors["a"], shape=(1, 1, 1, 2))
    graph = dataclasses.replace(residual_graph, tensors={**residual_graph.tensors, "a": one})
    with pytest.raises(UnsupportedModelError, match="one shape"):
        lower_add(graph.ops[2], graph)
