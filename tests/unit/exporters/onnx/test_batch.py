"""Samples are found behind the layers of a state, too."""

from __future__ import annotations

import onnx
import pytest

from edgetool.exporters.onnx.batch import fixed_batch, input_axes


@pytest.mark.parametrize(
    ("inputs", "axes", "batch"),
    [
        ("float[N, 3] x", [0], None),
        ("float[4, 3] x", [0], 4),
        ("float[N, 3] x, float[2, N, 8] s", [0, 1], None),
        ("float[1, 3] x, float[2, 1, 8] s", [0, 1], 1),
        ("float[7, N, 3] x, float[1, N, 8] s", [1, 1], None),
        ("float[N, 3] x, int64 rate", [0, None], 1),
        ("float[N, 3] x, float[1, 1, 8] s", [0, None], 1),
    ],
)
def test_axis_of_the_samples(inputs: str, axes: list[int | None], batch: int | None) -> None:
    text = f'<ir_version: 8, opset_import: ["" : 18]> g ({inputs}) => (float[A, B] y) {{ y = Relu (x) }}'
    graph = onnx.parser.parse_model(text).graph
    assert list(input_axes(graph).values()) == axes
    assert fixed_batch(graph) == batch
