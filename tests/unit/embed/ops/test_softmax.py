"""SOFTMAX."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from edgetool.embed.ops.softmax import lower_softmax
from edgetool.errors import UnsupportedModelError
from edgetool.ir.graph import Graph


def test_the_table_has_every_distance(residual_graph: Graph) -> None:
    step = lower_softmax(residual_graph.ops[3], residual_graph)
    table = step.fields["exponentials"]
    assert isinstance(table, np.ndarray) and table.dtype == np.int32
    np.testing.assert_allclose(table[:3] / 2**31, np.exp([0.0, -0.5, -1.0]), rtol=1e-6)
    assert table.shape == (256,) and (step.fields["num_rows"], step.fields["width"]) == (16, 2)


def test_another_output_scale_is_refused(residual_graph: Graph) -> None:
    plain = dataclasses.replace(residual_graph.tensors["y"], quantization=residual_graph.tensors["x"].quantization)
    graph = dataclasses.replace(residual_graph, tensors={**residual_graph.tensors, "y": plain})
    with pytest.raises(UnsupportedModelError, match="1/256"):
        lower_softmax(graph.ops[3], graph)
