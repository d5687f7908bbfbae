"""Negative pads of transposed convolutions."""

from __future__ import annotations

import pytest

from edgetool.exporters.onnx.rewrite.transposed import pad_outputs

helper = pytest.importorskip("onnx.helper")


@pytest.mark.parametrize(
    ("given", "pads", "output_padding"),
    [
        ({"pads": [0, 0, -1, -2]}, [0, 0, 0, 0], [1, 2]),
        ({"pads": [1, 0, 1, -1], "output_padding": [1, 0]}, [1, 0, 1, 0], [1, 1]),
        ({"pads": [1, 1, 1, 1]}, [1, 1, 1, 1], None),
        ({}, None, None),
    ],
)
def test_rows_behind_the_last_window_are_output_padding(
    given: dict[str, list[int]], pads: list[int] | None, output_padding: list[int] | None
) -> None:
    node = helper.make_node("ConvTranspose", ["x", "w"], ["y"], strides=[2, 3], **given)
    graph = helper.make_graph([node], "g", [], [])
    pad_outputs(graph)
    attributes = {attribute.name: list(attribute.ints) for attribute in graph.node[0].attribute}
    assert attributes.get("pads") == pads and attributes.get("output_padding") == output_padding
    assert attributes["strides"] == [2, 3]
