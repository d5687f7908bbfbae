from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import helper

from edgetool.exporters.onnx.graph import (
    bypass,
    constant,
    consumers,
    copy_read_outputs,
    drop_unused,
    producers,
    remove_copies,
    rename_values,
    replace_node,
    set_constant,
    strip_details,
)


def _graph(*nodes: Any, output: str = "y") -> Any:
    info = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1]) for name in ("x", output)]
    return helper.make_graph(list(nodes), "g", info[:1], info[1:])


def _kinds(graph: Any) -> list[str]:
    return [node.op_type for node in graph.node]


def test_a_constant_keeps_its_shape_even_without_dimensions() -> None:
    graph = _graph(helper.make_node("Add", ["x", "c"], ["y"]))
    set_constant(graph, "c", np.zeros((), np.uint8))
    found = constant(graph, "c")
    assert found is not None and found.shape == () and found.dtype == np.uint8
    set_constant(graph, "c", np.ones(3, np.float32))
    found = constant(graph, "c")
    assert found is not None and found.shape == (3,)
    assert len(graph.initializer) == 1
    assert constant(graph, "other") is None


def test_bypass_moves_readers_to_the_input() -> None:
    graph = _graph(helper.make_node("Identity", ["x"], ["a"]), helper.make_node("Relu", ["a"], ["y"]))
    bypass(graph, graph.node[0])
    assert [(list(n.input), list(n.output)) for n in graph.node] == [(["x"], ["y"])]


def test_bypass_keeps_the_name_of_a_graph_output() -> None:
    graph = _graph(helper.make_node("Relu", ["x"], ["a"]), helper.make_node("Identity", ["a"], ["y"]))
    bypass(graph, graph.node[1])
    assert [(list(n.input), list(n.output)) for n in graph.node] == [(["x"], ["y"])]


def test_replace_node_keeps_order_and_other_references() -> None:
    graph = _graph(*[helper.make_node("Relu", [a], [b]) for a, b in ("xa", "ab", "by")])
    held = list(graph.node)
    replace_node(graph, held[1], [helper.make_node("Neg", ["a"], ["m"]), helper.make_node("Abs", ["m"], ["b"])])
    held[2].op_type = "Exp"
    assert _kinds(graph) == ["Relu", "Neg", "Abs", "Exp"]


def test_drop_unused_follows_chains_and_drops_constants() -> None:
    graph = _graph(
        helper.make_node("Relu", ["x"], ["y"]),
        helper.make_node("Add", ["x", "c"], ["dead"]),
        helper.make_node("Neg", ["dead"], ["deader"]),
    )
    set_constant(graph, "c", np.ones(1, np.float32))
    drop_unused(graph)
    assert _kinds(graph) == ["Relu"]
    assert not graph.initializer


def test_rename_leaves_inputs_and_outputs() -> None:
    graph = _graph(helper.make_node("Relu", ["x"], ["a"]), helper.make_node("Add", ["a", "c"], ["y"]))
    set_constant(graph, "c", np.ones(1, np.float32))
    rename_values(graph, str.upper)
    assert [(list(n.input), list(n.output)) for n in graph.node] == [(["x"], ["A"]), (["A", "C"], ["y"])]
    assert graph.initializer[0].name == "C"


def test_look_up() -> None:
    graph = _graph(helper.make_node("Relu", ["x"], ["a"]), helper.make_node("Mul", ["a", "a"], ["y"]))
    assert producers(graph)["y"].op_type == "Mul"
    assert [node.op_type for node in consumers(graph)["a"]] == ["Mul"]


def test_strip_details_removes_texts() -> None:
    model = helper.make_model(_graph(helper.make_node("Relu", ["x"], ["y"], doc_string="why")), doc_string="text")
    strip_details(model)
    assert b"why" not in model.SerializeToString() and b"text" not in model.SerializeToString()


def test_outputs_that_are_read_become_tensors_inside_and_back() -> None:
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 18]> g (float[N, 4] x) => (float[N, 4] a, float[N, 4] b)'
        " { a = Abs (x) b = Relu (a) }"
    )
    before = [(list(node.input), list(node.output)) for node in model.graph.node]
    copies = copy_read_outputs(model.graph)
    onnx.checker.check_model(model, full_check=True)
    assert copies == {"a": "a/inside"}
    assert [node.op_type for node in model.graph.node] == ["Abs", "Identity", "Relu"]
    assert model.graph.node[2].input[0] == "a/inside"
    remove_copies(model.graph, copies)
    assert [(list(node.input), list(node.output)) for node in model.graph.node] == before
