"""Inputs that are handed on as outputs of an ONNX graph."""

from __future__ import annotations

import numpy as np
import pytest

from edgetool.exporters.unchanged import hand_on

helper = pytest.importorskip("onnx.helper")


def graph_of(*outputs: str) -> object:
    """Return a graph of two inputs; each output but for the inputs is twice the first input."""
    values = {name: helper.make_tensor_value_info(name, 1, ["N", 2]) for name in ("a", "b", *outputs)}
    two = helper.make_tensor("two", 1, [], [2.0])
    nodes = [helper.make_node("Mul", ["a", "two"], [name]) for name in outputs]
    return helper.make_graph(nodes, "g", [values["a"], values["b"]], [values[name] for name in outputs], [two])


@pytest.mark.parametrize(
    ("outputs", "places", "expected"),
    [
        (("y",), {0: "b"}, ["b_1", "y"]),
        (("y",), {1: "a"}, ["y", "a_1"]),
        (("y", "a_1"), {1: "a"}, ["y", "a_2", "a_1"]),
        ((), {0: "a", 1: "a"}, ["a_1", "a_2"]),
    ],
)
def test_outputs_stand_in_the_models_order(
    outputs: tuple[str, ...], places: dict[int, str], expected: list[str]
) -> None:
    from onnx.reference import ReferenceEvaluator

    graph = graph_of(*outputs)
    hand_on(graph, places)
    assert [value.name for value in graph.output] == expected
    a, b = np.ones((3, 2), np.float32), np.full((3, 2), 5.0, np.float32)
    found = ReferenceEvaluator(helper.make_model(graph)).run(None, {"a": a, "b": b})
    for place, array in enumerate(found):
        assert np.array_equal(array, {"a": a, "b": b}[places[place]] if place in places else 2.0 * a)
