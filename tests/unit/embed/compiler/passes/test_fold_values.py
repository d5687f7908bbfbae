"""What operators make of constants."""

from __future__ import annotations

import numpy as np
import pytest

from edgetool.data.dataset import Array
from edgetool.embed.compiler.passes.fold_values import FOLDS, Call, slices_of
from edgetool.ir.graph import Op, Quantization, Tensor


def _fold(kind: str, *values: Array, like: Array, quantization: Quantization | None = None, **options: object) -> Array:
    sources = [Tensor(f"x{i}", array.shape, str(array.dtype), quantization, array) for i, array in enumerate(values)]
    result = Tensor("y", like.shape, str(like.dtype))
    found = FOLDS[kind](Call(Op(kind, "y", (), ("y",), dict(options)), values, sources, [result]))
    assert found is not None
    return found[0]


NUMBERS = np.arange(24, dtype=np.int32).reshape(2, 3, 4)


@pytest.mark.parametrize(
    ("masks", "expected"),
    [
        ({}, NUMBERS[0:1, 2:1:-1, 1:4:2]),
        ({"begin_mask": 7, "end_mask": 5}, NUMBERS[:, :1:-1, ::2]),
        ({"shrink_axis_mask": 2}, NUMBERS[0:1, 2, 1:4:2]),
    ],
)
def test_slices_with_steps(masks: dict[str, int], expected: Array) -> None:
    begin, end, step = (np.array(part, np.int32) for part in ((0, 2, 1), (1, 1, 4), (1, -1, 2)))
    found = _fold("STRIDED_SLICE", NUMBERS, begin, end, step, like=expected, **masks)
    assert np.array_equal(found, expected)


def test_new_axes_and_what_stands_for_several() -> None:
    op = Op("STRIDED_SLICE", "y", (), ("y",), {"ellipsis_mask": 1, "new_axis_mask": 2})
    index = slices_of(op, *(np.array(part) for part in ((0, 0, 1), (0, 0, 2), (1, 1, 1))))
    assert index == (Ellipsis, None, slice(1, 2, 1))


def test_bytes_become_floats_along_their_dimension() -> None:
    values = np.array([[1, -2], [3, 4]], np.int8)
    scales = Quantization((0.5, 0.25), (0, 1), 1)
    found = _fold("DEQUANTIZE", values, like=np.zeros((2, 2), np.float32), quantization=scales)
    assert found.dtype == np.float32 and found.tolist() == [[0.5, -0.75], [1.5, 0.75]]


def test_whole_numbers_are_divided_as_c_does() -> None:
    a, b = np.array([-7, 7], np.int32), np.array([2, 2], np.int32)
    assert _fold("DIV", a, b, like=a).tolist() == [-3, 3]
    assert _fold("FLOOR_DIV", a, b, like=a).tolist() == [-4, 3]


def test_quantised_numbers_are_no_numbers() -> None:
    one = np.ones(2, np.int8)
    source = Tensor("x", (2,), "int8", Quantization((0.5,), (0,)), one)
    assert FOLDS["ADD"](Call(Op("ADD", "y", (), ("y",)), [one, one], [source, source], [source])) is None


def test_moves_join_and_repeat() -> None:
    pair = np.array([[1, 2]], np.int32)
    assert _fold("CONCATENATION", pair, pair, like=pair, axis=0).tolist() == [[1, 2], [1, 2]]
    assert _fold("TILE", pair, np.array([1, 2], np.int32), like=pair).tolist() == [[1, 2, 1, 2]]
    assert _fold("FILL", np.array([2], np.int32), np.array(5, np.int32), like=pair).tolist() == [5, 5]
    assert _fold("REDUCE_PROD", NUMBERS[0, :1, 1:], np.array([1], np.int32), like=pair, keep_dims=True).tolist() == [
        [6]
    ]
