"""Kernels chosen by core: weights are laid out for the kernel when the C is written."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from edgetool.data.dataset import Array
from edgetool.embed.program import Fields, Program, Step

__all__ = ["specialise"]

#: Instruction sets with the DSP extension, as targets call them.
DSP = ("armv7e-m", "armv8.1-m.main")

#: Of the machines that a bundle may be compiled for, the largest: it is verified on 64-bit ones too.
POINTER_BYTES = 8


def specialise(program: Program, isa: str) -> Program:
    """Return the program with the best kernels for an instruction set; others stay portable C.

    Args:
        program: of portable kernels.
        isa: of a target; empty or unknown: the portable kernels, which compilers vectorise.
    """
    if isa not in DSP:
        return program
    return dataclasses.replace(program, steps=tuple(_dsp(step) for step in program.steps))


def _dsp(step: Step) -> Step:
    """Return the step with the DSP kernel where there is one that it fits."""
    found: dict[str, Callable[[Step], Step | None]] = {
        "conv_s8": _conv,
        "pointwise_conv_s8": _conv,
        "conv_add_s8": _conv_add,
        "pointwise_add_s8": _conv_add,
        "depthwise_conv_s8": _depthwise,
        "fully_connected_s8": _fully_connected,
    }
    make = found.get(step.kernel)
    return step if make is None else make(step) or step


def _conv(step: Step) -> Step | None:
    fields = _image_fields(step.fields)
    rights = _right_shifts(fields)
    if rights is None:
        return None
    depth = _depth(fields)
    is_pixel = _numbers(fields, "kernel_h", "kernel_w", "stride_h", "stride_w") == [1, 1, 1, 1]
    (out_c, in_c) = _numbers(fields, "out_c", "in_c")
    return dataclasses.replace(
        step,
        kernel="conv_s8_dsp",
        fields={**fields, "weights": _groups(_array(fields, "weights"), 2, depth), "shifts": rights},
        has_scratch=True,
        scratch_bytes=5 * depth,
        overwrites=(0,) if is_pixel and out_c <= in_c else (),
    )


def _conv_add(step: Step) -> Step | None:
    conv = step.fields["conv"]
    assert isinstance(conv, dict)
    made = _conv(dataclasses.replace(step, fields=conv))
    if made is None:
        return None
    (out_c,) = _numbers(conv, "out_c")
    return dataclasses.replace(
        step,
        kernel="conv_add_s8_dsp",
        fields={"conv": made.fields, "scales": step.fields["scales"]},
        has_scratch=True,
        scratch_bytes=made.scratch_bytes + 2 * out_c,
    )


def _image_fields(fields: Fields) -> Fields:
    """Return the fields of `conv_s8`; a convolution of single pixels sees them as an image of one row."""
    if "num_pixels" not in fields:
        return fields
    rest = {name: value for name, value in fields.items() if name != "num_pixels"}
    ones = dict.fromkeys(("kernel_h", "kernel_w", "stride_h", "stride_w", "dilation_h", "dilation_w"), 1)
    sizes = {"in_h": 1, "in_w": fields["num_pixels"], "out_h": 1, "out_w": fields["num_pixels"]}
    return {**sizes, **ones, "pad_top": 0, "pad_left": 0, "in_zero": 0, **rest}


def _depthwise(step: Step) -> Step | None:
    fields = step.fields
    rights = _right_shifts(fields, axis=0)
    names = ("in_c", "out_c", "dilation_h", "dilation_w", "kernel_h", "kernel_w", "stride_h", "stride_w")
    in_c, out_c, dilation_h, dilation_w, kernel_h, kernel_w, stride_h, stride_w = _numbers(fields, *names)
    if rights is None or in_c != out_c or out_c % 4 or (dilation_h, dilation_w) != (1, 1):
        return None
    in_h, in_w, out_h, out_w, pad_left = _numbers(fields, "in_h", "in_w", "out_h", "out_w", "pad_left")
    ring_w = max((out_w - 1) * stride_w + kernel_w, in_w + pad_left)
    keeps_size = (stride_h, stride_w, in_h, in_w) == (1, 1, out_h, out_w)
    return dataclasses.replace(
        step,
        kernel="depthwise_rows_s8",
        fields={**fields, "shifts": rights},
        has_scratch=True,
        scratch_bytes=kernel_h * (ring_w * in_c + POINTER_BYTES),
        overwrites=(0,) if keeps_size else (),
    )


def _fully_connected(step: Step) -> Step | None:
    shifts = _array(step.fields, "shifts")
    if (shifts > -2).any():
        return None
    depth = -(-_array(step.fields, "weights").shape[1] // 4) * 4
    weights = _groups(_array(step.fields, "weights"), 4, depth)
    return dataclasses.replace(
        step,
        kernel="fully_connected_s8_dsp",
        fields={**step.fields, "weights": weights, "shifts": (-shifts - 1).astype(np.int8)},
        has_scratch=True,
        scratch_bytes=depth if _array(step.fields, "weights").shape[1] % 4 else 0,
    )


def _groups(rows: Array, size: int, depth: int) -> Array:
    """Return int8 rows `[R, K]` as words uint32 `[R / size, depth / 4, size]`: four weights of each row in turn."""
    num_rows = -(-len(rows) // size) * size
    padded = np.zeros((num_rows, depth), np.int8)
    padded[: len(rows), : rows.shape[1]] = rows
    return np.ascontiguousarray(padded.reshape(-1, size, depth // 4, 4).transpose(0, 2, 1, 3)).view("<u4")[..., 0]


def _right_shifts(fields: Fields, *, axis: int = 1) -> Array | None:
    """Return how far each channel shifts right; None unless all do by 1 or more and no sum can reach 2^30.

    Args:
        fields: of a convolution.
        axis: of the weights that a channel sums over.
    """
    shifts, weights = _array(fields, "shifts"), _array(fields, "weights")
    most = 128 * np.abs(weights.astype(np.int64)).sum(axis=axis) + np.abs(_array(fields, "biases").astype(np.int64))
    return (-shifts).astype(np.int8) if (shifts <= -1).all() and most.max() < 1 << 30 else None


def _depth(fields: Fields) -> int:
    kernel_h, kernel_w, in_c = _numbers(fields, "kernel_h", "kernel_w", "in_c")
    return -(-kernel_h * kernel_w * in_c // 4) * 4


def _numbers(fields: Fields, *names: str) -> list[int]:
    found = []
    for name in names:
        value = fields[name]
        assert isinstance(value, int)
        found.append(value)
    return found


def _array(fields: Fields, name: str) -> Array:
    value = fields[name]
    assert isinstance(value, np.ndarray)
    return value
