"""Kernels for Cortex-M: weights are laid out for the DSP extension or for Helium when the C is written."""

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
    LSTM,
    ROUNDED_TWICE,
    adds_without_shift,
    has_an_unjoinable_second,
    has_large_sums,
    has_lowest_neighbours,
    has_one_small_shift,
    shifts_by_less_than,
)
from edgetool.embed.program import Fields, Step

__all__ = ["DSP", "MVE", "Core", "CortexM", "join_pairs", "patch_bytes", "split_pairs"]


@dataclass(frozen=True, slots=True)
class Core:
    """How a core's kernels want constants.

    Attributes:
        name: of the family; the names of its kernels end in it. Empty: portable kernels.
        filters: of a convolution that are computed together.
        chunk: weights of one row that lie together; rows are filled up to a multiple of it.
        value_bytes: of a value of a patch.
        in_pairs: the weights of two filters are joined as halves; see `join_pairs`.
        channels: that scales are read for at once.
    """

    name: str
    filters: int
    chunk: int
    value_bytes: int
    in_pairs: bool
    channels: int

    @property
    def suffix(self) -> str:
        """Return what the names of its kernels end in."""
        return f"_{self.name}" if self.name else ""


#: Outputs of a fully connected layer that are computed together.
ROWS = 4

#: Channels of a depthwise convolution that Helium computes together, and that the DSP extension does.
CHANNELS, FOUR = 16, 4

#: Of the machines that a bundle may be compiled for, the largest: it is verified on 64-bit ones too.
POINTER_BYTES = 8


@dataclass(frozen=True, slots=True)
class CortexM:
    """Kernels for a Cortex-M with multiplications of several values; see `edgetool.embed.backends.base.Backend`."""

    core: Core
    isas: tuple[str, ...]
    kernels: tuple[str, ...]
    channel_limits: tuple[ChannelLimit, ...]
    layer_limits: tuple[LayerLimit, ...] = (
        LayerLimit((DENSE,), "the one scale of its outputs is 1/4 or more of its sums' scale", has_one_small_shift),
        LayerLimit(ADDITIONS, "its addition does not scale down", adds_without_shift),
    )

    @property
    def name(self) -> str:
        """Return the name of the family, which ends the names of its kernels."""
        return self.core.name

    def replace(self, step: Step) -> Step:
        """Return the step with the core's kernel."""
        return _MAKERS[step.kernel](step, self.core)


def _conv(step: Step, core: Core) -> Step:
    fields = image_fields(step.fields)
    rights = (-array(fields, "shifts")).astype(np.int8)
    weights = _conv_weights(fields, core)
    is_pixel = numbers(fields, "kernel_h", "kernel_w", "stride_h", "stride_w") == [1, 1, 1, 1]
    (out_c, in_c) = numbers(fields, "out_c", "in_c")
    return dataclasses.replace(
        step,
        kernel=f"conv_s8{core.suffix}",
        fields=_filled({**fields, **_biases(fields, core), "weights": weights, "shifts": rights}, core),
        has_scratch=True,
        scratch_bytes=patch_bytes(fields, core),
        overwrites=(0,) if is_pixel and out_c <= in_c else (),
    )


def _conv_add(step: Step, core: Core) -> Step:
    conv = step.fields["conv"]
    assert isinstance(conv, dict)
    made = _conv(dataclasses.replace(step, fields=conv), core)
    (out_c,) = numbers(conv, "out_c")
    return dataclasses.replace(
        step,
        kernel=f"conv_add_s8{core.suffix}",
        fields={"conv": made.fields, "scales": step.fields["scales"]},
        has_scratch=True,
        scratch_bytes=made.scratch_bytes + 2 * out_c,
    )


def _add(step: Step, core: Core) -> Step:
    return dataclasses.replace(step, kernel=f"add_s8{core.suffix}")


def _depthwise(step: Step, core: Core) -> Step:
    """Return the step with a kernel over a ring of rows, as they are, or spread where a window is not plain."""
    fields = step.fields
    names = ("in_c", "out_c", "kernel_h", "dilation_h", "dilation_w")
    in_c, out_c, kernel_h, dilation_h, dilation_w = numbers(fields, *names)
    by_core = {**fields, "shifts": (-array(fields, "shifts")).astype(np.int8)}
    arrays = _by_fours(by_core) if core.in_pairs else _by_sixteens(by_core)
    is_filled = core.in_pairs and out_c % FOUR > 0
    is_plain = in_c == out_c and (dilation_h, dilation_w) == (1, 1) and not is_filled
    channels = round_up(out_c, FOUR) if core.in_pairs else out_c
    ring_bytes = ((kernel_h - 1) * dilation_h + 1) * round_up(_ring_width(fields), dilation_w) * channels
    behind = channels * (not is_plain) if core.in_pairs else -out_c % CHANNELS
    kernel = "depthwise_rows_s8" if is_plain else "depthwise_spread_s8"
    sizes = numbers(fields, "stride_h", "stride_w", "in_h", "in_w", "in_c")
    keeps_size = sizes == [1, 1, *numbers(fields, "out_h", "out_w", "out_c")]
    return dataclasses.replace(
        step,
        kernel=kernel if core.in_pairs else f"{kernel}{core.suffix}",
        fields={**fields, **arrays},
        has_scratch=True,
        scratch_bytes=kernel_h * POINTER_BYTES + ring_bytes + behind,
        overwrites=(0,) if keeps_size else (),
    )


def _ring_width(fields: Fields) -> int:
    """Return the columns of a padded row that windows lie over."""
    names = ("in_w", "out_w", "kernel_w", "stride_w", "dilation_w", "pad_left")
    in_w, out_w, kernel_w, stride_w, dilation_w, pad_left = numbers(fields, *names)
    return max((out_w - 1) * stride_w + (kernel_w - 1) * dilation_w + 1, in_w + pad_left)


def _by_fours(fields: Fields) -> Fields:
    """Return a depthwise convolution's arrays for the DSP extension: four channels of every weight lie together."""
    weights = array(fields, "weights")
    missing = -weights.shape[1] % FOUR
    filled = np.pad(weights, ((0, 0), (0, missing)))
    found: Fields = {
        name: np.pad(array(fields, name), (0, missing), mode="edge") for name in ("biases", "multipliers", "shifts")
    }
    found["weights"] = np.ascontiguousarray(filled.reshape(len(filled), -1, FOUR).transpose(1, 0, 2))
    return found


def _by_sixteens(fields: Fields) -> Fields:
    """Return a depthwise convolution's arrays for Helium: sixteen channels of every weight, filled up, lie together.

    Biases and scales come in the order in which widening leaves channels.
    """
    weights = array(fields, "weights")
    taps, out_c = weights.shape
    padded = np.zeros((taps, round_up(out_c, CHANNELS)), np.int8)
    padded[:, :out_c] = weights
    found: Fields = {"weights": np.ascontiguousarray(padded.reshape(taps, -1, CHANNELS).transpose(1, 0, 2))}
    for name in ("biases", "multipliers", "shifts"):
        values = np.pad(array(fields, name), (0, -out_c % CHANNELS), mode="edge").reshape(-1, 4, 4)
        found[name] = np.ascontiguousarray(values.transpose(0, 2, 1)[:, [0, 2, 1, 3]]).reshape(-1)
    return found


def _fully_connected(step: Step, core: Core) -> Step:
    shifts = array(step.fields, "shifts")
    num_inputs = array(step.fields, "weights").shape[1]
    depth = round_up(num_inputs, core.chunk)
    weights = _groups(array(step.fields, "weights"), ROWS, depth, core, as_widened=True)
    return dataclasses.replace(
        step,
        kernel=f"fully_connected_s8{core.suffix}",
        fields=_filled({**step.fields, "weights": weights, "shifts": (-shifts - 1).astype(np.int8)}, core),
        has_scratch=True,
        scratch_bytes=depth if num_inputs % core.chunk else 0,
    )


def _lstm(step: Step, core: Core) -> Step:
    fields, rests = dict(step.fields), Fields()
    depths = []
    for name in ("input", "recurrent"):
        weights = array(fields, f"{name}_weights").copy()
        depths.append(round_up(weights.shape[1], core.chunk))
        if core.in_pairs:
            rows, columns = np.nonzero(weights[1::2] == -128)
            weights[2 * rows + 1, columns] = -127
            places = np.stack([2 * rows + 1, columns], axis=1).astype(np.int32)
            rests |= {f"{name}_rests": places if len(rows) else np.zeros(1, np.int32), f"num_{name}_rests": len(rows)}
        fields[f"{name}_weights"] = _groups(weights, ROWS, depths[-1], core, as_widened=True)
    (num_cells,) = numbers(fields, "num_cells")
    return dataclasses.replace(
        step,
        kernel=f"lstm_s8{core.suffix}",
        fields={"layer": fields, **rests} if core.in_pairs else fields,
        scratch_bytes=4 * 4 * num_cells + 5 * 2 * num_cells + max(depths),
    )


def _conv_weights(fields: Fields, core: Core) -> Array:
    """Return a convolution's filters as the core wants them, column by column as patches are gathered."""
    kernel_h, kernel_w, in_c = numbers(fields, "kernel_h", "kernel_w", "in_c")
    column, _, depth = _patch(fields, core)
    rows = array(fields, "weights").reshape(-1, kernel_h, kernel_w, in_c).transpose(0, 2, 1, 3)
    columns = np.zeros((len(rows), kernel_w, column), np.int8)
    columns[:, :, : kernel_h * in_c] = rows.reshape(len(rows), kernel_w, kernel_h * in_c)
    return _groups(columns.reshape(len(rows), -1), core.filters, depth, core, as_widened=in_c % 4 == 0)


def _biases(fields: Fields, core: Core) -> Fields:
    """Return the biases as the core wants them: doubled, where its sums are."""
    return {"biases": array(fields, "biases") * 2} if core.in_pairs else {}


def patch_bytes(fields: Fields, core: Core, *, is_apart: bool = False) -> int:
    """Return the bytes that a core's convolution gathers the patches of two pixels in.

    Args:
        fields: of a convolution of an image.
        core: the one that it is for.
        is_apart: the patches share no columns.
    """
    _, second, depth = _patch(fields, core)
    return core.value_bytes * ((depth if is_apart else second) + depth)


def _patch(fields: Fields, core: Core) -> tuple[int, int, int]:
    """Return the values of a column, where the second pixel's patch begins, and the values of a patch."""
    names = ("kernel_h", "kernel_w", "in_c", "stride_w", "dilation_w")
    kernel_h, kernel_w, in_c, stride_w, dilation_w = numbers(fields, *names)
    column = round_up(kernel_h * in_c, core.value_bytes)
    step = stride_w if dilation_w == 1 and stride_w < kernel_w else kernel_w
    return column, step * column, round_up(kernel_w * column, core.chunk)


def _groups(rows: Array, size: int, depth: int, core: Core, *, as_widened: bool) -> Array:
    """Return int8 rows `[R, K]` in groups of `size` rows, a chunk of each row in turn, filled up with zeros.

    Args:
        rows: weights of a filter each.
        size: rows of a group.
        depth: what rows are filled up to.
        core: how it wants them.
        as_widened: of every four weights, the second and the third change places where a core widens values by SXTB16.

    Returns:
        int8 `[R / size, depth / chunk, size, chunk]`; of pairs uint32 `[R / size, depth / chunk, size]`.
    """
    padded = np.zeros((round_up(len(rows), size), depth), np.int8)
    padded[: len(rows), : rows.shape[1]] = rows
    if not core.in_pairs:
        return np.ascontiguousarray(padded.reshape(-1, size, depth // core.chunk, core.chunk).transpose(0, 2, 1, 3))
    if as_widened:
        padded = padded.reshape(-1, 4)[:, [0, 2, 1, 3]].reshape(padded.shape)
    by_weight = np.stack([padded[::2], padded[1::2]], axis=-1)
    joined = join_pairs(by_weight)
    chunks = joined.reshape(-1, size // 2, depth // core.chunk, core.chunk).transpose(0, 2, 1, 3)
    return np.ascontiguousarray(chunks).view("<u4").reshape(-1, depth // core.chunk, size)


def join_pairs(pairs: Array) -> Array:
    """Return int8 `[..., 2]` as int16 `[...]`, the first and 256 times the second; see `is_joinable`.

    One SMLAD then sums both products, and another those of the first, which SXTB16 takes out of the half.
    """
    return (pairs[..., 0].astype(np.int32) + 256 * pairs[..., 1].astype(np.int32)).astype("<i2")


def split_pairs(words: Array) -> Array:
    """Return what `join_pairs` joined as int8 `[2 N]`, both weights of a pair side by side."""
    joined = words.reshape(-1).view("<i2").astype(np.int32)
    first = joined.astype(np.int8)
    return np.stack([first, ((joined - first) >> 8).astype(np.int8)], axis=-1).reshape(-1)


def _filled(fields: Fields, core: Core) -> Fields:
    """Return the fields with biases and scales filled up to as many channels as the core reads at once.

    A single scale for all outputs is repeated, because that many are read for every group of outputs.
    """
    found = dict(fields)
    for name in ("biases", "multipliers", "shifts"):
        values = array(fields, name) if name in fields else np.zeros(0, np.int8)
        missing = round_up(len(values), core.channels) - len(values)
        if missing:
            found[name] = np.concatenate([values, np.repeat(values[-1:], missing)])
    return found


#: Portable kernel -> what lays a step out for a core.
_MAKERS: dict[str, Callable[[Step, Core], Step]] = {
    "conv_s8": _conv,
    "pointwise_conv_s8": _conv,
    "conv_add_s8": _conv_add,
    "pointwise_add_s8": _conv_add,
    DEPTHWISE: _depthwise,
    DENSE: _fully_connected,
    "add_s8": _add,
    LSTM: _lstm,
}

#: What both cores cannot compute of a channel.
_CHANNEL_LIMITS = (
    ChannelLimit(ROUNDED_TWICE, "may sum up to 2^30 or more", has_large_sums),
    ChannelLimit(ROUNDED_TWICE, "do not shift right", shifts_by_less_than(1)),
    ChannelLimit((DENSE,), "shift right by less than 2", shifts_by_less_than(2)),
)

#: The DSP extension of Armv7E-M.
DSP = CortexM(
    core=Core("dsp", filters=2, chunk=4, value_bytes=2, in_pairs=True, channels=2),
    isas=("armv7e-m",),
    kernels=(*CONVOLUTIONS, DEPTHWISE, DENSE, LSTM),
    channel_limits=(
        *_CHANNEL_LIMITS,
        ChannelLimit((*CONVOLUTIONS, DENSE), "have weights of -128 beside negative ones", has_an_unjoinable_second),
    ),
)

#: Helium, the vectors of Armv8.1-M.
MVE = CortexM(
    core=Core("mve", filters=4, chunk=16, value_bytes=1, in_pairs=False, channels=4),
    isas=("armv8.1-m.main",),
    kernels=(*CONVOLUTIONS, DEPTHWISE, DENSE, LSTM, "add_s8"),
    channel_limits=(
        *_CHANNEL_LIMITS,
        ChannelLimit((DEPTHWISE,), "have two weights of -128 side by side", has_lowest_neighbours),
    ),
)
