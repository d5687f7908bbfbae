"""Kernels chosen by core: weights are laid out for the kernel when the C is written."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edgetool.data.dataset import Array
from edgetool.embed.program import Fields, Program, Step

__all__ = ["CORES", "Core", "image_fields", "specialise"]


@dataclass(frozen=True, slots=True)
class Core:
    """How a core's kernels want constants.

    Attributes:
        suffix: of the kernels' names.
        filters: of a convolution that are computed together.
        chunk: weights of one row that lie together; rows are filled up to a multiple of it.
        patch_factor: bytes of scratch memory of a convolution for each weight of a filter.
        in_words: weights are read as words, not bytes.
        channels: that scales are read for at once.
    """

    suffix: str
    filters: int
    chunk: int
    patch_factor: int
    in_words: bool
    channels: int


#: Instruction set, as targets call it -> its kernels.
CORES = {
    "armv7e-m": Core("_dsp", filters=2, chunk=4, patch_factor=5, in_words=True, channels=1),
    "armv8.1-m.main": Core("_mve", filters=4, chunk=16, patch_factor=2, in_words=False, channels=4),
}

#: Outputs of a fully connected layer that are computed together.
ROWS = 4

#: Of the machines that a bundle may be compiled for, the largest: it is verified on 64-bit ones too.
POINTER_BYTES = 8


def specialise(program: Program, isa: str) -> Program:
    """Return the program with the best kernels for an instruction set; others stay portable C.

    Args:
        program: of portable kernels.
        isa: of a target; empty or unknown: the portable kernels, which compilers vectorise.
    """
    core = CORES.get(isa)
    if core is None:
        return program
    return dataclasses.replace(program, steps=tuple(_for_core(step, core) for step in program.steps))


def _for_core(step: Step, core: Core) -> Step:
    """Return the step with the core's kernel where there is one that it fits."""
    found: dict[str, Callable[[Step, Core], Step | None]] = {
        "conv_s8": _conv,
        "pointwise_conv_s8": _conv,
        "conv_add_s8": _conv_add,
        "pointwise_add_s8": _conv_add,
        "depthwise_conv_s8": _depthwise,
        "fully_connected_s8": _fully_connected,
        "add_s8": _add,
    }
    make = found.get(step.kernel)
    return step if make is None else make(step, core) or step


def _conv(step: Step, core: Core) -> Step | None:
    fields = image_fields(step.fields)
    rights = _right_shifts(fields)
    if rights is None:
        return None
    depth = _depth(fields, core.chunk)
    is_pixel = _numbers(fields, "kernel_h", "kernel_w", "stride_h", "stride_w") == [1, 1, 1, 1]
    (out_c, in_c) = _numbers(fields, "out_c", "in_c")
    return dataclasses.replace(
        step,
        kernel=f"conv_s8{core.suffix}",
        fields=_filled(
            {**fields, "weights": _groups(_array(fields, "weights"), core.filters, depth, core), "shifts": rights}, core
        ),
        has_scratch=True,
        scratch_bytes=core.patch_factor * depth,
        overwrites=(0,) if is_pixel and out_c <= in_c else (),
    )


def _conv_add(step: Step, core: Core) -> Step | None:
    conv = step.fields["conv"]
    assert isinstance(conv, dict)
    made = _conv(dataclasses.replace(step, fields=conv), core)
    if made is None:
        return None
    (out_c,) = _numbers(conv, "out_c")
    return dataclasses.replace(
        step,
        kernel=f"conv_add_s8{core.suffix}",
        fields={"conv": made.fields, "scales": step.fields["scales"]},
        has_scratch=True,
        scratch_bytes=made.scratch_bytes + 2 * out_c,
    )


def image_fields(fields: Fields) -> Fields:
    """Return the fields of `conv_s8`; a convolution of single pixels sees them as an image of one row."""
    if "num_pixels" not in fields:
        return fields
    rest = {name: value for name, value in fields.items() if name != "num_pixels"}
    ones = dict.fromkeys(("kernel_h", "kernel_w", "stride_h", "stride_w", "dilation_h", "dilation_w"), 1)
    sizes = {"in_h": 1, "in_w": fields["num_pixels"], "out_h": 1, "out_w": fields["num_pixels"]}
    return {**sizes, **ones, "pad_top": 0, "pad_left": 0, "in_zero": 0, **rest}


def _add(step: Step, core: Core) -> Step | None:
    return dataclasses.replace(step, kernel=f"add_s8{core.suffix}") if core.channels > 1 else None


def _depthwise(step: Step, core: Core) -> Step | None:
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
        kernel="depthwise_rows_s8" if core.channels == 1 else f"depthwise_rows_s8{core.suffix}",
        fields={**fields, "shifts": rights},
        has_scratch=True,
        scratch_bytes=kernel_h * (ring_w * in_c + POINTER_BYTES),
        overwrites=(0,) if keeps_size else (),
    )


def _fully_connected(step: Step, core: Core) -> Step | None:
    shifts = _array(step.fields, "shifts")
    if (shifts > -2).any():
        return None
    num_inputs = _array(step.fields, "weights").shape[1]
    depth = _up(num_inputs, core.chunk)
    weights = _groups(_array(step.fields, "weights"), ROWS, depth, core)
    return dataclasses.replace(
        step,
        kernel=f"fully_connected_s8{core.suffix}",
        fields=_filled({**step.fields, "weights": weights, "shifts": (-shifts - 1).astype(np.int8)}, core),
        has_scratch=True,
        scratch_bytes=depth if num_inputs % core.chunk else 0,
    )


def _groups(rows: Array, size: int, depth: int, core: Core) -> Array:
    """Return int8 rows `[R, K]` in groups of `size` rows, a chunk of each row in turn, filled up with zeros.

    Returns:
        int8 `[R / size, depth / chunk, size, chunk]`, or uint32 without the last axis where chunks are words.
    """
    padded = np.zeros((_up(len(rows), size), depth), np.int8)
    padded[: len(rows), : rows.shape[1]] = rows
    found = np.ascontiguousarray(padded.reshape(-1, size, depth // core.chunk, core.chunk).transpose(0, 2, 1, 3))
    return found.view("<u4")[..., 0] if core.in_words else found


def _filled(fields: Fields, core: Core) -> Fields:
    """Return the fields with biases and scales filled up to as many channels as the core reads at once.

    A single scale for all outputs is repeated, because that many are read for every group of outputs.
    """
    found = dict(fields)
    for name in ("biases", "multipliers", "shifts"):
        values = _array(fields, name) if name in fields else np.zeros(0, np.int8)
        missing = _up(len(values), core.channels) - len(values)
        if missing:
            found[name] = np.concatenate([values, np.repeat(values[-1:], missing)])
    return found


def _up(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple


def _right_shifts(fields: Fields, *, axis: int = 1) -> Array | None:
    """Return how far each channel shifts right; None unless all do by 1 or more and no sum can reach 2^30.

    Args:
        fields: of a convolution.
        axis: of the weights that a channel sums over.
    """
    shifts, weights = _array(fields, "shifts"), _array(fields, "weights")
    most = 128 * np.abs(weights.astype(np.int64)).sum(axis=axis) + np.abs(_array(fields, "biases").astype(np.int64))
    return (-shifts).astype(np.int8) if (shifts <= -1).all() and most.max() < 1 << 30 else None


def _depth(fields: Fields, chunk: int) -> int:
    kernel_h, kernel_w, in_c = _numbers(fields, "kernel_h", "kernel_w", "in_c")
    return _up(kernel_h * kernel_w * in_c, chunk)


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
