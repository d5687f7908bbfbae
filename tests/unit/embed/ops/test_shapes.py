"""Axes of operands."""

from __future__ import annotations

import numpy as np
import pytest

from edgetool.embed.ops.shapes import (
    broadcast_fields,
    broadcast_strides,
    copy_fields,
    merge_axes,
    outer_inner,
    row_strides,
)
from edgetool.errors import UnsupportedModelError
from edgetool.ir.graph import Op

OP = Op("ADD", "sum", ("a", "b"), ("y",))


def test_strides() -> None:
    assert row_strides((2, 3, 4)) == [12, 4, 1]
    assert broadcast_strides((3, 1), (2, 3, 4)) == [0, 1, 0]
    assert outer_inner((2, 3, 4, 5), 1, 2) == (2, 12, 5)


def test_neighbours_are_joined_where_every_operand_lets_them() -> None:
    assert merge_axes((2, 1, 3, 4), (12, 12, 4, 1)) == ([24], [[1]])
    assert merge_axes((2, 3, 4), (12, 4, 1), (0, 4, 1)) == ([2, 12], [[12, 1], [0, 1]])


def test_a_single_element_is_a_row_of_one() -> None:
    fields = broadcast_fields(OP, (1,), (1, 1), (1, 1))
    assert fields["n3"] == 1 and fields["a3"] == 1


def test_shapes_that_do_not_broadcast_are_refused() -> None:
    with pytest.raises(UnsupportedModelError, match="shapes that broadcast"):
        broadcast_fields(OP, (2, 3), (2, 4), (2, 4))


def test_too_many_axes_are_refused() -> None:
    sizes = (2,) * 6
    with pytest.raises(UnsupportedModelError, match="6 axes"):
        copy_fields(OP, sizes, (0, np.array(row_strides(sizes))[::-1].tolist()), (0, row_strides(sizes)))
