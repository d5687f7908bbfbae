"""`--input-shape` is read as it was meant, and what cannot be meant is refused by name."""

from __future__ import annotations

import pytest

from edgetool.errors import UsageError
from edgetool.ir.input_shapes import InputShape, open_shape_hint, parse_input_shapes, shapes_by_name


@pytest.mark.parametrize(
    ("texts", "shapes"),
    [
        (["1x3x32x32"], [InputShape((1, 3, 32, 32))]),
        (["1x3x32x32, 1X10"], [InputShape((1, 3, 32, 32)), InputShape((1, 10))]),
        (["images=1x3x8x8", "state=2x1x128"], [InputShape((1, 3, 8, 8), "images"), InputShape((2, 1, 128), "state")]),
        (["a=1x2,b=3"], [InputShape((1, 2), "a"), InputShape((3,), "b")]),
        (["serving/x:0=1x8"], [InputShape((1, 8), "serving/x:0")]),
        (["odd, name=1x8"], [InputShape((1, 8), "odd, name")]),
        (["rate:=16000", "gain:=-0.5"], [InputShape((), "rate", 16000.0), InputShape((), "gain", -0.5)]),
    ],
)
def test_shapes_names_and_values(texts: list[str], shapes: list[InputShape]) -> None:
    assert list(parse_input_shapes(texts)) == shapes


@pytest.mark.parametrize("text", ["", "1x0x3", "1xN", "images=", "images=1x-3", "x:="])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="1x3x32x32"):
        parse_input_shapes([text])


def test_one_input_has_one_shape() -> None:
    with pytest.raises(UsageError, match="'a' twice"):
        parse_input_shapes(["a=1", "a=2"])


def test_plain_shapes_go_to_the_inputs_that_are_not_named() -> None:
    shapes = parse_input_shapes(["b=4", "1x2"])
    assert shapes_by_name(shapes, ["a", "b"], "m.onnx") == {"a": (1, 2), "b": (4,)}
    assert shapes_by_name(parse_input_shapes(["1x2", "b:=1"]), ["a", "b"], "m.onnx") == {"a": (1, 2)}


@pytest.mark.parametrize(("text", "message"), [("1x2", "a, b"), ("imags=1x2", "imags")])
def test_unknown_and_ambiguous_inputs_are_refused_with_the_names(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        shapes_by_name(parse_input_shapes([text]), ["a", "b"], "m.onnx")


def test_the_hint_can_be_pasted_and_parsed() -> None:
    hint = open_shape_hint([("x", (-1, 3, -1, -1)), ("odd name", (2, 1, -1))])
    assert hint == "--input-shape x=1x3x224x224 --input-shape 'odd name'=2x1x128"
    assert parse_input_shapes(["x=1x3x224x224", "odd name=2x1x128"])
