"""Axes of operands, as few as say the same: what kernels loop over."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from edgetool.embed.ops.checks import constant_of, require
from edgetool.embed.program import Fields
from edgetool.ir.graph import Graph, Op

__all__ = [
    "broadcast_fields",
    "broadcast_strides",
    "copy_fields",
    "merge_axes",
    "outer_inner",
    "reduced_axes",
    "row_strides",
    "select_fields",
]

#: Axes that the kernels' loops have.
BROADCAST_AXES, COPY_AXES = 4, 5


def row_strides(shape: Sequence[int]) -> list[int]:
    """Return how many elements apart neighbours along each axis lie, row by row."""
    return [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]


def broadcast_strides(shape: Sequence[int], result: Sequence[int]) -> list[int]:
    """Return the strides of a tensor repeated to the shape `result`: 0 along axes that it has one element of."""
    full = [1] * (len(result) - len(shape)) + list(shape)
    return [0 if size == 1 else stride for size, stride in zip(full, row_strides(full), strict=True)]


def merge_axes(sizes: Sequence[int], *strides: Sequence[int]) -> tuple[list[int], list[list[int]]]:
    """Drop axes of one element, and join neighbours that lie behind one another in every operand.

    Returns:
        sizes, and the strides of each operand.
    """
    kept = [axis for axis, size in enumerate(sizes) if size != 1]
    found_sizes: list[int] = []
    found: list[list[int]] = [[] for _ in strides]
    for axis in reversed(kept):
        size, steps = sizes[axis], [operand[axis] for operand in strides]
        if found_sizes and all(step == inner[0] * found_sizes[0] for step, inner in zip(steps, found, strict=True)):
            found_sizes[0] *= size
            continue
        found_sizes.insert(0, size)
        for operand, step in zip(found, steps, strict=True):
            operand.insert(0, step)
    return found_sizes, found


def broadcast_fields(op: Op, first: Sequence[int], second: Sequence[int], result: Sequence[int]) -> Fields:
    """Return the fields of `broadcast_t`.

    Raises:
        UnsupportedModelError: more axes than the kernels have loops.
    """
    expected = list(itertools.zip_longest(reversed(first), reversed(second), fillvalue=1))[::-1]
    require(
        [max(a, b) if 0 not in (a, b) else 0 for a, b in expected] == list(result)
        and all(1 in (a, b) or a == b for a, b in expected),
        op,
        what=f"{list(first)} and {list(second)} to {list(result)}",
        expected="shapes that broadcast",
        next_step="export the model again",
    )
    sizes, (a, b) = merge_axes(result, broadcast_strides(first, result), broadcast_strides(second, result))
    sizes, (a, b) = _padded(op, BROADCAST_AXES, sizes, a, b)
    return {
        **{f"n{axis}": size for axis, size in enumerate(sizes)},
        **{f"a{axis}": step for axis, step in enumerate(a)},
        **{f"b{axis}": step for axis, step in enumerate(b)},
    }


def select_fields(
    op: Op, condition: Sequence[int], first: Sequence[int], second: Sequence[int], result: Sequence[int]
) -> Fields:
    """Return the fields of `select_t`.

    Raises:
        UnsupportedModelError: shapes that do not broadcast, or more axes than the kernels have loops.
    """
    shapes = (condition, first, second)
    fits = all(
        len(shape) <= len(result)
        and all(size in (1, full) for size, full in zip(shape[::-1], result[::-1], strict=False))
        for shape in shapes
    )
    require(
        fits,
        op,
        what=f"{list(condition)}, {list(first)} and {list(second)} to {list(result)}",
        expected="shapes that broadcast",
        next_step="export the model again",
    )
    sizes, strides = merge_axes(result, *(broadcast_strides(shape, result) for shape in shapes))
    sizes, padded = _padded(op, BROADCAST_AXES, sizes, *strides)
    fields: Fields = {f"n{axis}": size for axis, size in enumerate(sizes)}
    for letter, steps in zip("cab", padded, strict=True):
        fields |= {f"{letter}{axis}": step for axis, step in enumerate(steps)}
    return fields


def copy_fields(
    op: Op, sizes: Sequence[int], source: tuple[int, Sequence[int]], result: tuple[int, Sequence[int]]
) -> Fields:
    """Return the fields of `copy_t`.

    Args:
        op: for messages.
        sizes: of what is copied.
        source: first element and strides where it is read.
        result: likewise where it is written.

    Raises:
        UnsupportedModelError: more axes than the kernels have loops.
    """
    merged, (a, b) = merge_axes(sizes, source[1], result[1])
    merged, (a, b) = _padded(op, COPY_AXES, merged, a, b)
    return {
        **{f"n{axis}": size for axis, size in enumerate(merged)},
        "from": source[0],
        **{f"from{axis}": step for axis, step in enumerate(a)},
        "to": result[0],
        **{f"to{axis}": step for axis, step in enumerate(b)},
    }


def outer_inner(shape: Sequence[int], first: int, last: int) -> tuple[int, int, int]:
    """Return how many elements lie before, in and behind the axes `first` to `last`."""
    return math.prod(shape[:first]), math.prod(shape[first : last + 1]), math.prod(shape[last + 1 :])


def reduced_axes(op: Op, graph: Graph) -> tuple[int, int, int]:
    """Return how many elements lie before, in and behind the axes that an operator reduces.

    Axes of one element are reduced or not as it suits.

    Raises:
        UnsupportedModelError: axes that are computed, or with another one between them.
    """
    shape = graph.tensors[op.inputs[0]].shape
    given = constant_of(op, graph, 1, "int32").reshape(-1)
    axes = sorted({int(axis) % len(shape) for axis in given if shape[int(axis)] != 1})
    if not axes:
        return math.prod(shape), 1, 1
    between = [axis for axis in range(axes[0], axes[-1]) if axis not in axes and shape[axis] != 1]
    require(
        not between,
        op,
        what=f"axes {axes}",
        expected="neighbouring axes",
        next_step="transpose before it, or reduce in two steps",
    )
    return outer_inner(shape, axes[0], axes[-1])


def _padded(op: Op, axes: int, sizes: list[int], *strides: list[int]) -> tuple[list[int], tuple[list[int], ...]]:
    require(
        len(sizes) <= axes,
        op,
        what=f"{len(sizes)} axes that cannot be joined",
        expected=f"at most {axes}",
        next_step="reshape to fewer axes around the layer",
    )
    missing = axes - len(sizes)
    # A single element is a row of one, next to the following one.
    ends = [[0] * missing + operand for operand in strides]
    if not sizes:
        for operand in ends:
            operand[-1] = 1
    return [1] * missing + sizes, tuple(ends)
