"""LOG_SOFTMAX."""

from __future__ import annotations

import pytest

from edgetool.embed.ops.log_softmax import lower_log_softmax
from edgetool.embed.program import Step
from edgetool.errors import UnsupportedModelError
from edgetool.ir.graph import Graph, Op, Tensor


def _lower(dtype: str) -> Step:
    tensors = {name: Tensor(name, (1, 3, 5), dtype) for name in "xy"}
    op = Op("LOG_SOFTMAX", "y", ("x",), ("y",))
    return lower_log_softmax(op, Graph("tflite", tensors, (op,), ("x",), ("y",)))


def test_rows_are_of_the_last_axis() -> None:
    step = _lower("float32")
    assert (step.kernel, step.fields) == ("log_softmax_f32", {"num_rows": 3, "width": 5})


def test_other_types_are_refused() -> None:
    with pytest.raises(UnsupportedModelError, match="int16"):
        _lower("int16")
