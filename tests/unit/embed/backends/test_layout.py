"""What kernels of every core need to know of a step's fields."""

from __future__ import annotations

from collections.abc import Callable

from edgetool.embed.backends.layout import image_fields, numbers, round_up
from edgetool.embed.compiler.context import Context
from edgetool.embed.compiler.pipeline import lower_graph
from edgetool.ir.graph import Graph


def test_single_pixels_are_an_image_of_one_row(conv_graph: Callable[..., Graph]) -> None:
    (step,) = lower_graph(conv_graph(1), Context(digest="d")).steps
    fields = image_fields(step.fields)
    assert "num_pixels" not in fields and numbers(fields, "in_h", "in_w", "out_h", "out_w") == [1, 16, 1, 16]
    (step,) = lower_graph(conv_graph(3), Context(digest="d")).steps
    assert image_fields(step.fields) is step.fields


def test_round_up() -> None:
    assert [round_up(number, 16) for number in (0, 1, 16, 17)] == [0, 16, 16, 32]
