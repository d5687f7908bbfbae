"""ARG_MAX."""

from __future__ import annotations

import numpy as np
import pytest

from edgetool.embed.ops.arg_max import lower_arg_max
from edgetool.errors import UnsupportedModelError
from edgetool.ir.graph import Graph, Op, Tensor


def _graph(dtype: str) -> Graph:
    tensors = {
        "x": Tensor("x", (2, 3, 4), "float32"),
        "a": Tensor("a", (), "int32", None, np.array(-2, np.int32)),
        "y": Tensor("y", (2, 4), dtype),
    }
    return Graph("tflite", tensors, (Op("ARG_MAX", "y", ("x", "a"), ("y",)),), ("x",), ("y",))


def test_axis_and_type_of_the_output() -> None:
    graph = _graph("int64")
    step = lower_arg_max(graph.ops[0], graph)
    assert step.kernel == "arg_max_f32_s64" and step.fields == {"num_outer": 2, "size": 3, "num_inner": 4}


def test_other_outputs_are_refused() -> None:
    graph = _graph("uint8")
    with pytest.raises(UnsupportedModelError, match="int32 or int64"):
        lower_arg_max(graph.ops[0], graph)
