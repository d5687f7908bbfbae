"""IF as operators of one graph."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from edgetool.embed.compiler.context import Context
from edgetool.embed.compiler.passes.branches import inline_branches
from edgetool.embed.compiler.pipeline import lower_graph
from edgetool.errors import UnsupportedModelError
from edgetool.ir.graph import Graph, Op, Tensor


def _branch(kind: str | None, *, inner: str = "y") -> Graph:
    tensors = {name: Tensor(name, (1, 2), "float32") for name in ("a", inner)}
    ops = () if kind is None else (Op(kind, inner, ("a",), (inner,)),)
    return Graph("tflite", tensors, ops, ("a",), ("a" if kind is None else inner,))


def _graph(condition: Tensor, then: str | None = "RELU", other: str | None = None) -> Graph:
    tensors = {name: Tensor(name, (1, 2), "float32") for name in "xy"} | {"c": condition}
    op = Op("IF", "y", ("c", "x"), ("y",), {"then_subgraph_index": 1, "else_subgraph_index": 2})
    return Graph("tflite", tensors, (op,), ("x", "c"), ("y",), (), (_branch(then), _branch(other)))


OPEN = Tensor("c", (), "bool")


def test_both_branches_are_computed_and_one_is_chosen() -> None:
    graph = inline_branches(_graph(OPEN))
    assert [(op.kind, op.inputs) for op in graph.ops] == [("RELU", ("x",)), ("SELECT_V2", ("c", "y (then of 0)", "x"))]
    assert [step.kernel for step in lower_graph(_graph(OPEN), Context(digest="d")).steps] == ["relu_f32", "select_f32"]


@pytest.mark.parametrize(("holds", "kinds"), [(True, ["RELU", "RESHAPE"]), (False, ["RESHAPE"])])
def test_a_known_condition_leaves_one(holds: bool, kinds: list[str]) -> None:
    known = Tensor("c", (1,), "bool", None, np.array([holds]))
    assert [op.kind for op in inline_branches(_graph(known)).ops] == kinds


def test_branches_with_effects_or_without_graph_are_refused_by_name() -> None:
    graph = _graph(OPEN, "ASSIGN_VARIABLE")
    for broken in (graph, dataclasses.replace(graph, subgraphs=())):
        with pytest.raises(UnsupportedModelError, match="IF"):
            lower_graph(broken, Context(digest="d"))


def test_a_branch_that_leads_to_itself_ends() -> None:
    graph = _graph(OPEN)
    loop = dataclasses.replace(graph.subgraphs[0], ops=(dataclasses.replace(graph.ops[0], inputs=("a", "a")),))
    found = inline_branches(dataclasses.replace(graph, subgraphs=(loop, graph.subgraphs[1])))
    assert any(op.kind == "IF" for op in found.ops)
