"""Comparisons and SELECT."""

from __future__ import annotations

import pytest

from edgetool.embed.ops.compare import lower_compare, lower_select
from edgetool.errors import UnsupportedModelError
from edgetool.ir.graph import Graph, Op, Tensor


def _graph(**shapes: tuple[str, tuple[int, ...]]) -> Graph:
    tensors = {name: Tensor(name, shape, dtype) for name, (dtype, shape) in shapes.items()}
    return Graph("tflite", tensors, (), (), ())


@pytest.mark.parametrize(("kind", "below", "equal", "above"), [("LESS", 1, 0, 0), ("GREATER_EQUAL", 0, 1, 1)])
def test_relations(kind: str, below: int, equal: int, above: int) -> None:
    graph = _graph(a=("float32", (1, 3)), b=("float32", ()), y=("bool", (1, 3)))
    step = lower_compare(Op(kind, "y", ("a", "b"), ("y",)), graph)
    assert step.kernel == "compare_f32"
    assert [step.fields[name] for name in ("below", "equal", "above")] == [below, equal, above]


#: Shapes of condition and operands, and how far apart they are read along rows and columns.
@pytest.mark.parametrize(
    ("kind", "shapes", "steps"),
    [
        ("SELECT", ((), (2, 3), (2, 3)), ((0, 0), (0, 1), (0, 1))),
        ("SELECT", ((2,), (2, 3), (2, 3)), ((1, 0), (3, 1), (3, 1))),
        ("SELECT_V2", ((2, 1), (1, 3), (2, 3)), ((1, 0), (0, 1), (3, 1))),
    ],
)
def test_conditions_and_operands_are_repeated(
    kind: str, shapes: tuple[tuple[int, ...], ...], steps: tuple[tuple[int, int], ...]
) -> None:
    condition, first, second = shapes
    graph = _graph(c=("bool", condition), a=("int32", first), b=("int32", second), y=("int32", (2, 3)))
    made = lower_select(Op(kind, "y", ("c", "a", "b"), ("y",)), graph)
    assert made.kernel == "select_s32"
    assert tuple((made.fields[f"{letter}2"], made.fields[f"{letter}3"]) for letter in "cab") == steps


def test_shapes_that_do_not_fit_are_refused() -> None:
    graph = _graph(c=("bool", (2,)), a=("int32", (1, 3)), b=("int32", (1, 3)), y=("int32", (1, 3)))
    with pytest.raises(UnsupportedModelError, match="shapes that broadcast"):
        lower_select(Op("SELECT_V2", "y", ("c", "a", "b"), ("y",)), graph)
