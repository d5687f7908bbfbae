"""Sizes that a user gives for a model's inputs, `--input-shape NAME=1x3x640x640`, or a value, `NAME:=16000`."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from edgetool.errors import UsageError, nearest

__all__ = ["InputShape", "open_shape_hint", "parse_input_shapes", "shapes_by_name"]

OPTION = "--input-shape"
_ITEM = re.compile(r"(?:(?P<name>.+)=)?(?P<sizes>\d+(?:x\d+)*)", re.IGNORECASE)
_VALUE = re.compile(r"(?P<name>.+):=(?P<value>-?\d+(?:\.\d+)?)")
#: What an open dimension is called in the example that an error message gives: an image's side, or a length.
EXAMPLE_SIDE = 224
EXAMPLE_LENGTH = 128


@dataclass(frozen=True, slots=True)
class InputShape:
    """The shape of one input.

    Attributes:
        sizes: every dimension, the batch included.
        name: of the input; empty: by its place among the inputs.
        value: what every element of the input is for good, so that it is no input any more; None: it stays one.
    """

    sizes: tuple[int, ...]
    name: str = ""
    value: float | None = None


def parse_input_shapes(texts: Sequence[str]) -> tuple[InputShape, ...]:
    """Parse what `--input-shape` was given: `1x3x32x32` or `NAME=1x3x32x32`, several also separated by commas.

    Raises:
        UsageError: other text, a size below 1, or a name that is given twice.
    """
    shapes: list[InputShape] = []
    for text in texts:
        parts = [part.strip() for part in text.split(",")]
        if not all(_ITEM.fullmatch(part) or _VALUE.fullmatch(part) for part in parts):
            parts = [text.strip()]  # a name may hold commas
        shapes += [_parse(part) for part in parts]
    names = [shape.name for shape in shapes if shape.name]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(
                OPTION, found=f"{name!r} twice", expected="one shape for each input", next_step="leave one of them out"
            )
    return tuple(shapes)


def _parse(text: str) -> InputShape:
    fixed = _VALUE.fullmatch(text)
    if fixed is not None:
        return InputShape((), fixed["name"], float(fixed["value"]))
    match = _ITEM.fullmatch(text)
    sizes = () if match is None else tuple(int(size) for size in match["sizes"].lower().split("x"))
    if match is None or not all(sizes):
        raise UsageError(
            OPTION,
            found=repr(text),
            expected="sizes from the batch on, for example 1x3x32x32 or NAME=1x3x32x32; once for each input",
            next_step="correct it",
        )
    return InputShape(sizes, match["name"] or "")


def shapes_by_name(shapes: Sequence[InputShape], names: Sequence[str], subject: str) -> dict[str, tuple[int, ...]]:
    """Return input name -> sizes.

    Args:
        shapes: as they were parsed.
        names: of the model's inputs, in its order.
        subject: what errors are about.

    Raises:
        UsageError: an input that the model does not have, or shapes without names that may mean several inputs.
    """
    named = {shape.name: shape.sizes for shape in shapes if shape.name}
    for name in named:
        if name not in names:
            raise UsageError(
                f"{OPTION} {name}",
                found=f"an input that {subject} does not have",
                expected=f"one of: {', '.join(names)}",
                next_step=nearest(name, list(names)),
            )
    named = {shape.name: shape.sizes for shape in shapes if shape.name and shape.value is None}
    gone = [shape.name for shape in shapes if shape.value is not None]
    plain = [shape.sizes for shape in shapes if not shape.name]
    others = [name for name in names if name not in named and name not in gone]
    if plain and len(plain) != len(others):
        raise UsageError(
            OPTION,
            found=f"{len(plain)} shapes without a name for {len(others)} inputs",
            expected=f"the name of each input: {', '.join(names)}",
            next_step=f"give {OPTION} {shlex.quote(names[0])}={'x'.join(map(str, plain[0]))} and the like",
        )
    return named | dict(zip(others, plain, strict=False))


def open_shape_hint(inputs: Sequence[tuple[str, tuple[int, ...]]]) -> str:
    """Return the options that fix the open dimensions of a model's inputs, with sizes that are an example.

    Args:
        inputs: name and shape, -1 for open dimensions, of the inputs that have any.
    """
    options = []
    for name, shape in inputs:
        side = EXAMPLE_SIDE if len(shape) > 3 else EXAMPLE_LENGTH
        sizes = [1 if axis == 0 and size < 0 else side if size < 0 else size for axis, size in enumerate(shape)]
        options.append(f"{OPTION} {shlex.quote(name)}={'x'.join(map(str, sizes))}")
    return " ".join(options)
