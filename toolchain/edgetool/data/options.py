"""Options that describe data, as typed: text to values, each with a clear refusal."""

from __future__ import annotations

import dataclasses
import math

from edgetool.data.preprocess import Preprocessing
from edgetool.errors import UsageError, nearest
from edgetool.options.groups import PreprocessingOptions, ScalingOptions

__all__ = ["DTYPES", "parse_image_size", "parse_numbers", "preprocessing_from"]

#: Types that a float model's input may have.
DTYPES = ("float32", "float16", "int32", "int64", "uint8", "int8")


def preprocessing_from(default: Preprocessing, options: ScalingOptions) -> Preprocessing:
    """Return `default` (the card's) with what options replace in it.

    Args:
        default: what holds where no option is given.
        options: `one_hot` can be set by an option, and not be taken back.

    Raises:
        UsageError: an option is no finite number, divides by zero or names an unknown type.
    """
    chosen = dataclasses.replace(
        default,
        scale=default.scale if options.scale is None else options.scale,
        mean=default.mean if options.mean is None else parse_numbers("--mean", options.mean),
        std=default.std if options.std is None else parse_numbers("--std", options.std),
    )
    if isinstance(options, PreprocessingOptions):
        chosen = dataclasses.replace(
            chosen,
            dtype=default.dtype if options.dtype is None else options.dtype,
            one_hot=default.one_hot or options.one_hot,
        )
    if not _is_finite(chosen.scale) or chosen.scale == 0.0:
        raise UsageError(
            "--scale", found=f"{chosen.scale:g}", expected="a finite factor other than 0", next_step="correct it"
        )
    if any(value == 0.0 for value in chosen.std):
        raise UsageError("--std", found="0", expected="values other than 0", next_step="inputs are divided by them")
    if chosen.dtype not in DTYPES:
        raise UsageError(
            "--dtype", found=repr(chosen.dtype), expected=", ".join(DTYPES), next_step=nearest(chosen.dtype, [*DTYPES])
        )
    return chosen


def parse_numbers(option: str, text: str) -> tuple[float, ...]:
    """Return the finite numbers of a comma-separated list.

    Raises:
        UsageError: something else is in it.
    """
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        values = ()
    if not values or not all(_is_finite(value) for value in values):
        raise UsageError(
            option,
            found=repr(text),
            expected="finite numbers separated by commas",
            next_step=f"for example {option} 0.5,0.5,0.5",
        )
    return values


def parse_image_size(text: str | None) -> tuple[int, int] | None:
    """Return (height, width) from `HEIGHTxWIDTH`; None for None.

    Raises:
        UsageError: anything else.
    """
    if text is None:
        return None
    height, _, width = text.lower().partition("x")
    if not (height.isdecimal() and width.isdecimal() and int(height) > 0 and int(width) > 0):
        raise UsageError(
            "--image-size", found=repr(text), expected="HEIGHTxWIDTH", next_step="for example --image-size 96x96"
        )
    return int(height), int(width)


def _is_finite(value: float) -> bool:
    return math.isfinite(value)
