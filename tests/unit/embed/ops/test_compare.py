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


@pytest.mark.parametrize(("shape", "step"), [((), 0), ((1, 3), 1)])
def test_one_condition_or_one_for_each(shape: tuple[int, ...], step: int) -> None:
    graph = _graph(c=("bool", shape), a=("int32", (1, 3)), b=("int32", (1, 3)), y=("int32", (1, 3)))
    made = lower_select(Op("SELECT", "y", ("c", "a", "b"), ("y",)), graph)
    assert (made.kernel, made.fields["condition_step"]) == ("select_s32", step)


def test_repeated_operands_are_refused() -> None:
    graph = _graph(c=("bool", ()), a=("int32", (1,)), b=("int32", (1, 3)), y=("int32", (1, 3)))
    with pytest.raises(UnsupportedModelError, match="one shape"):
        lower_select(Op("SELECT_V2", "y", ("c", "a", "b"), ("y",)), graph)
