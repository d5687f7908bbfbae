"""BATCH_MATMUL."""

from __future__ import annotations

import pytest

from edgetool.embed.ops.batch_matmul import lower_batch_matmul
from edgetool.embed.program import Fields
from edgetool.errors import UnsupportedModelError
from edgetool.ir.graph import Graph, Op, Quantization, Tensor


def _shape(first: tuple[int, ...], second: tuple[int, ...], result: tuple[int, ...], **attributes: bool) -> Fields:
    tensors = {name: Tensor(name, shape, "float32") for name, shape in zip("aby", (first, second, result), strict=True)}
    op = Op("BATCH_MATMUL", "y", ("a", "b"), ("y",), dict(attributes))
    shape = lower_batch_matmul(op, Graph("tflite", tensors, (op,), ("a",), ("y",))).fields["shape"]
    assert isinstance(shape, dict)
    return shape


def test_turned_operands_are_read_where_they_lie() -> None:
    shape = _shape((2, 5, 3), (2, 7, 5), (2, 3, 7), adj_x=True, adj_y=True)
    names = ("rows", "depth", "columns", "a_row", "a_depth", "b_depth", "b_column")
    assert [shape[name] for name in names] == [3, 5, 7, 1, 3, 1, 5]


def test_a_matrix_may_serve_all_batches() -> None:
    shape = _shape((2, 4, 3, 5), (5, 7), (2, 4, 3, 7))
    assert (shape["num_batches"], shape["repeat_a"], shape["repeat_b"]) == (8, 1, 8)


def test_batches_that_alternate_are_refused() -> None:
    with pytest.raises(UnsupportedModelError, match=r"batches \[1, 4\] for \[2, 4\]"):
        _shape((1, 4, 3, 5), (2, 4, 5, 7), (2, 4, 3, 7))


def test_16_bits_have_no_zero_points() -> None:
    for zero in (0, 1):
        quantization = Quantization((0.5,), (zero,))
        tensors = {name: Tensor(name, (2, 2), "int16", quantization) for name in "aby"}
        op = Op("BATCH_MATMUL", "y", ("a", "b"), ("y",))
        graph = Graph("tflite", tensors, (op,), ("a",), ("y",))
        if zero:
            with pytest.raises(UnsupportedModelError, match=r"zero points \[1, 1, 1\]"):
                lower_batch_matmul(op, graph)
        else:
            step = lower_batch_matmul(op, graph)
            assert step.kernel == "batch_matmul_s16" and set(step.fields) == {"shape", "multiplier", "shift"}
