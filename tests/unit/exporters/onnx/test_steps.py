"""Layers that are written out step by step: what is in float inside, and what their tensors are called."""

from __future__ import annotations

from typing import Any

import onnx

from edgetool.exporters.onnx.steps import shorten_steps, without_steps


def written_out() -> Any:
    make = onnx.helper.make_node
    nodes = [
        make("Sigmoid", ["x"], ["gru"]),
        make("Mul", ["gru", "x"], ["gru/1"]),
        make("Add", ["gru/1", "gru"], ["gru/2"]),
        make("Relu", ["gru/1"], ["gruff"]),
        make("Add", ["gruff", "gruff"], ["y"]),
    ]
    values = {name: onnx.helper.make_tensor_value_info(name, 1, ["N", 4]) for name in ("x", "y", "gru/2")}
    return onnx.helper.make_graph(nodes, "g", [values["x"]], [values["y"], values["gru/2"]])


def test_ranges_inside_layers_that_are_written_out_are_left_out() -> None:
    graph = written_out()
    ranges = dict.fromkeys(("x", "gru", "gru/1", "gru/2", "gruff", "y"), (0.0, 1.0))
    assert set(without_steps(graph, ranges, ["gru"])) == {"x", "gru/1", "gru/2", "gruff", "y"}
    assert without_steps(graph, ranges, []) == ranges


def test_names_of_steps_are_short_and_outputs_keep_theirs() -> None:
    graph = written_out()
    shorten_steps(graph, ["gru"])
    assert [node.output[0] for node in graph.node] == ["gru", "g0/1", "gru/2", "gruff", "y"]
    assert list(graph.node[2].input) == ["g0/1", "gru"]
    assert [node.name for node in graph.node] == [node.output[0] for node in graph.node]
