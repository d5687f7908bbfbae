"""Kernels for 64-bit processors: weights laid out for vectors of sixteen channels."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edgetool.data.dataset import Array
from edgetool.embed.arithmetic.bounds import DEPTHWISE
from edgetool.embed.backends.base import ChannelLimit, LayerLimit
from edgetool.embed.backends.layout import array, image_fields, numbers, round_up
from edgetool.embed.backends.limits import (
    ADDITIONS,
    CONVOLUTIONS,
    DENSE,
    ROUNDED_TWICE,
    adds_to_the_left,
    has_large_sums,
    has_one_small_shift,
    shifts_by_less_than,
)
from edgetool.embed.program import Fields, Step

__all__ = ["NATIVE_ISA", "SIMD", "SIMD_ISAS", "Simd"]

#: Instruction set of the machine that edgetool runs on.
NATIVE_ISA = "native"

#: Instruction sets, as targets call them. One C serves them all.
SIMD_ISAS = (NATIVE_ISA, "x86-64", "aarch64")

#: Channels side by side, and weights of each that lie together.
LANES, FOUR = 16, 4

#: Pixels at a time: of a row, the fewest; whose room is taken, the most.
PIXELS, MOST_PIXELS = 4, 8

#: Bytes of the place of a run of values in scratch memory.
RUN_BYTES = 4

#: Bytes of a value in scratch memory, at most, and values behind the last that are read too.
VALUE_BYTES, BEHIND = 2, 16

#: What some instructions want added to values, which makes them unsigned.
OFFSET = 128

#: No row of single pixels is longer, if their number can be divided.
MAX_ROW = 64


@dataclass(frozen=True, slots=True)
class Simd:
    """Kernels for 64-bit processors; see `edgetool.embed.backends.base.Backend`."""

    name: str = "simd"
    isas: tuple[str, ...] = SIMD_ISAS
    kernels: tuple[str, ...] = (*CONVOLUTIONS, DEPTHWISE, DENSE, "add_s8")
    layer_limits: tuple[LayerLimit, ...] = (
        LayerLimit((DENSE,), "the one scale of its outputs is 1/4 or more of its sums' scale", has_one_small_shift),
        LayerLimit(ADDITIONS, "its addition scales up", adds_to_the_left),
    )
    channel_limits: tuple[ChannelLimit, ...] = (
        ChannelLimit((*ROUNDED_TWICE, DENSE), "may sum up to 2^30 or more", has_large_sums),
        ChannelLimit(ROUNDED_TWICE, "shift left", shifts_by_less_than(0)),
        ChannelLimit((DENSE,), "shift right by less than 2", shifts_by_less_than(2)),
    )

    def replace(self, step: Step) -> Step:
        """Return the step with its kernel for vectors."""
        return _MAKERS[step.kernel](step)


def _conv(step: Step) -> Step:
    fields = _rows_of_pixels(image_fields(step.fields))
    out_c, in_c, kernel_h, kernel_w, dilation_w = numbers(fields, "out_c", "in_c", "kernel_h", "kernel_w", "dilation_w")
    rows = array(fields, "weights")
    runs = rows.reshape(out_c, kernel_h, -1) if dilation_w == 1 else rows.reshape(out_c, kernel_h * kernel_w, in_c)
    behind = (MOST_PIXELS - 1) * in_c * numbers(fields, "stride_w")[0]
    return dataclasses.replace(
        step,
        kernel="conv_s8_simd",
        fields={**fields, "weights": _blocks(runs), **_channels(fields, rows.sum(axis=1, dtype=np.int64))},
        has_scratch=True,
        scratch_bytes=RUN_BYTES * runs.shape[1] + _ring_bytes(fields, in_c, behind=behind),
        overwrites=(0,) if "num_pixels" in step.fields and out_c <= in_c else (),
    )


def _conv_add(step: Step) -> Step:
    conv, scales = step.fields["conv"], step.fields["scales"]
    assert isinstance(conv, dict) and isinstance(scales, dict)
    made = _conv(dataclasses.replace(step, fields=conv))
    (out_c,) = numbers(conv, "out_c")
    return dataclasses.replace(
        step,
        kernel="conv_add_s8_simd",
        fields={"conv": made.fields, "scales": scales},
        has_scratch=True,
        scratch_bytes=made.scratch_bytes + MOST_PIXELS * out_c,
    )


def _add(step: Step) -> Step:
    return dataclasses.replace(step, kernel="add_s8_simd")


def _depthwise(step: Step) -> Step:
    fields = step.fields
    taps = array(fields, "weights")
    in_c, out_c, in_h, in_w, out_h, out_w = numbers(fields, "in_c", "out_c", "in_h", "in_w", "out_h", "out_w")
    padded = np.zeros((len(taps), round_up(out_c, LANES)), np.int8)
    padded[:, :out_c] = taps
    keeps_size = numbers(fields, "stride_h", "stride_w") == [1, 1] and (in_h, in_w, in_c) == (out_h, out_w, out_c)
    return dataclasses.replace(
        step,
        kernel="depthwise_conv_s8_simd",
        fields={
            **fields,
            "weights": np.ascontiguousarray(padded.reshape(len(taps), -1, LANES).transpose(1, 0, 2)),
            **_channels(fields, taps.sum(axis=0, dtype=np.int64)),
        },
        has_scratch=True,
        scratch_bytes=_ring_bytes(fields, out_c),
        overwrites=(0,) if keeps_size else (),
    )


def _fully_connected(step: Step) -> Step:
    rows = array(step.fields, "weights")
    blocks = _blocks(rows[:, None])
    return dataclasses.replace(
        step,
        kernel="fully_connected_s8_simd",
        fields={**step.fields, "weights": blocks, **_channels(step.fields, rows.sum(axis=1, dtype=np.int64), beyond=1)},
        has_scratch=True,
        scratch_bytes=VALUE_BYTES * blocks.shape[1] * FOUR,
    )


def _rows_of_pixels(fields: Fields) -> Fields:
    """Return the fields with a single row of pixels in several of the best length: what lies in the ring is less."""
    in_h, in_w = numbers(fields, "in_h", "in_w")
    sizes = numbers(fields, "kernel_h", "kernel_w", "stride_w", "out_h", "out_w", "pad_left")
    if sizes != [1, 1, 1, in_h, in_w, 0] or in_h != 1:
        return fields
    lengths = [length for length in range(2, min(in_w, MAX_ROW) + 1) if in_w % length == 0] or [in_w]
    best = min(lengths, key=lambda length: (round_up(length, PIXELS) / length, -length))
    return {**fields, **dict.fromkeys(("in_h", "out_h"), in_w // best), **dict.fromkeys(("in_w", "out_w"), best)}


def _blocks(rows: Array) -> Array:
    """Return int8 rows `[R, runs, K]` in blocks of 16, four weights of each row in turn, filled up with zeros.

    Returns:
        int8 `[R / 16, runs * K / 4, 16, 4]`.
    """
    num_rows, runs, depth = rows.shape
    padded = np.zeros((round_up(num_rows, LANES), runs, round_up(depth, FOUR)), np.int8)
    padded[:num_rows, :, :depth] = rows
    return np.ascontiguousarray(padded.reshape(-1, LANES, runs * padded.shape[2] // FOUR, FOUR).transpose(0, 2, 1, 3))


def _channels(fields: Fields, sums: Array, *, beyond: int = 0) -> Fields:
    """Return biases, scales and shifts to the right, filled up to full vectors.

    Args:
        fields: of the layer.
        sums: int64 `[C]`, of the weights of each channel: what an offset of the values adds.
        beyond: shifts to the right that the kernel does in any case.
    """
    found: Fields = {}
    biases = array(fields, "biases").astype(np.int64)
    both = [_filled(values) for values in (biases, biases - OFFSET * sums)]
    found["biases"] = np.concatenate(both).astype(np.int32)
    found["multipliers"] = _filled(array(fields, "multipliers"))
    found["shifts"] = _filled((-beyond - array(fields, "shifts")).astype(np.int8))
    return found


def _filled(values: Array) -> Array:
    missing = round_up(len(values), LANES) - len(values)
    return np.concatenate([values, np.repeat(values[-1:], missing)])


def _ring_bytes(fields: Fields, channels: int, *, behind: int = 0) -> int:
    """Return the bytes of the rows under the window, see `kernels/simd_ring.c`."""
    names = ("in_w", "out_w", "kernel_h", "kernel_w", "stride_w", "dilation_h", "dilation_w", "pad_left")
    in_w, out_w, kernel_h, kernel_w, stride_w, dilation_h, dilation_w, pad_left = numbers(fields, *names)
    rows = (kernel_h - 1) * dilation_h + 1
    width = max((out_w - 1) * stride_w + (kernel_w - 1) * dilation_w + 1, in_w + pad_left)
    return VALUE_BYTES * (rows * width * channels + behind + BEHIND)


#: Portable kernel -> what lays a step out for vectors.
_MAKERS: dict[str, Callable[[Step], Step]] = {
    "conv_s8": _conv,
    "pointwise_conv_s8": _conv,
    "conv_add_s8": _conv_add,
    "pointwise_add_s8": _conv_add,
    DEPTHWISE: _depthwise,
    DENSE: _fully_connected,
    "add_s8": _add,
}

SIMD = Simd()
