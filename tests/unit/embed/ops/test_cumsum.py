"""CUMSUM."""

from __future__ import annotations

import numpy as np
import pytest

from edgetool.embed.ops.cumsum import lower_cumsum
from edgetool.errors import UnsupportedModelError
from edgetool.ir.graph import Graph, Op, Tensor


def _graph(dtype: str) -> Graph:
    tensors = {
        "x": Tensor("x", (2, 3, 4), dtype),
        "a": Tensor("a", (), "int32", None, np.array(-2, np.int32)),
        "y": Tensor("y", (2, 3, 4), dtype),
    }
    op = Op("CUMSUM", "y", ("x", "a"), ("y",), {"exclusive": True, "reverse": False})
    return Graph("tflite", tensors, (op,), ("x",), ("y",))


def test_axis_and_direction() -> None:
    graph = _graph("float32")
    step = lower_cumsum(graph.ops[0], graph)
    fields = {"num_outer": 2, "size": 3, "num_inner": 4, "is_exclusive": 1, "is_reverse": 0}
    assert step.kernel == "cumsum_f32" and step.fields == fields


def test_other_types_are_refused() -> None:
    graph = _graph("int64")
    with pytest.raises(UnsupportedModelError, match="tensors of int64"):
        lower_cumsum(graph.ops[0], graph)
