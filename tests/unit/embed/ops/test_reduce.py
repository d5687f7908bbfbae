"""REDUCE_MAX and REDUCE_MIN."""

from __future__ import annotations

import numpy as np
import pytest

from edgetool.embed.ops.reduce import lower_reduce
from edgetool.embed.program import Step
from edgetool.errors import UnsupportedModelError
from edgetool.ir.graph import Graph, Op, Quantization, Tensor


def _reduce(axes: list[int], *, dtype: str = "int8", out_scale: float = 0.5, kind: str = "REDUCE_MAX") -> Step:
    tensors = {
        "x": Tensor("x", (1, 4, 1, 3), dtype, Quantization((0.5,), (0,))),
        "axes": Tensor("axes", (len(axes),), "int32", None, np.array(axes, np.int32)),
        "y": Tensor("y", (1, 3), dtype, Quantization((out_scale,), (0,))),
    }
    op = Op(kind, "y", ("x", "axes"), ("y",))
    return lower_reduce(op, Graph("tflite", tensors, (op,), ("x",), ("y",)))


@pytest.mark.parametrize(
    ("axes", "sizes"), [([1], [1, 4, 3]), ([0, -1], [4, 3, 1]), ([1, 3], [1, 12, 1]), ([2], [12, 1, 1])]
)
def test_axes_of_one_element_stand_between_no_others(axes: list[int], sizes: list[int]) -> None:
    step = _reduce(axes)
    assert step.kernel == "reduce_max_s8"
    assert [step.fields[name] for name in ("num_outer", "num_reduced", "num_inner")] == sizes


def test_every_type_has_a_kernel() -> None:
    assert _reduce([1], dtype="int16", kind="REDUCE_MIN").kernel == "reduce_min_s16"


def test_another_scale_is_refused() -> None:
    with pytest.raises(UnsupportedModelError, match="another scale"):
        _reduce([1], out_scale=0.25)
