"""Operators that become a table."""

from __future__ import annotations

import dataclasses

import pytest

from edgetool.embed.ops.table import lower_table
from edgetool.errors import UnsupportedModelError
from edgetool.ir.graph import Graph, Op


def test_one_value_out_for_one_in(residual_graph: Graph) -> None:
    op = Op("LOGISTIC", "b", ("a",), ("b",))
    step = lower_table(op, residual_graph)
    assert step.kernel == "table_s8" and step.fields["num_elements"] == 32 and step.overwrites == (0,)
    short = dataclasses.replace(residual_graph.tensors["b"], shape=(1, 2))
    with pytest.raises(UnsupportedModelError, match="one value out for one in"):
        lower_table(op, dataclasses.replace(residual_graph, tensors={**residual_graph.tensors, "b": short}))
