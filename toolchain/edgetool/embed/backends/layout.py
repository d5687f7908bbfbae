"""What kernels of every core need to know of a step's fields."""

from __future__ import annotations

import numpy as np

from edgetool.data.dataset import Array
from edgetool.embed.program import Fields

__all__ = ["array", "image_fields", "numbers", "round_up"]


def image_fields(fields: Fields) -> Fields:
    """Return the fields of `conv_s8`; a convolution of single pixels sees them as an image of one row."""
    if "num_pixels" not in fields:
        return fields
    rest = {name: value for name, value in fields.items() if name != "num_pixels"}
    ones = dict.fromkeys(("kernel_h", "kernel_w", "stride_h", "stride_w", "dilation_h", "dilation_w"), 1)
    sizes = {"in_h": 1, "in_w": fields["num_pixels"], "out_h": 1, "out_w": fields["num_pixels"]}
    return {**sizes, **ones, "pad_top": 0, "pad_left": 0, "in_zero": 0, **rest}


def numbers(fields: Fields, *names: str) -> list[int]:
    """Return fields that are integers."""
    found = []
    for name in names:
        value = fields[name]
        assert isinstance(value, int)
        found.append(value)
    return found


def array(fields: Fields, name: str) -> Array:
    """Return a field that is an array."""
    value = fields[name]
    assert isinstance(value, np.ndarray)
    return value


def round_up(number: int, multiple: int) -> int:
    """Return the least multiple that is not below the number."""
    return -(-number // multiple) * multiple
