"""Channels that give the same value for every input lose their weights, and layers behind them take that value in."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from edgetool.data.dataset import Array
from edgetool.embed.arithmetic.bounds import (
    Bounds,
    is_padded,
    output_bounds,
    rescale,
    stored_weights,
    sum_bounds,
    weights_by_channel,
)
from edgetool.embed.backends.layout import array, numbers
from edgetool.embed.backends.packing.codes import MAX_BITS
from edgetool.embed.program import Fields, Program, Step

__all__ = ["LAYERS", "POOLS", "fold_constant_channels", "idle_weight", "layer_fields", "with_layer_fields"]

#: Kernels of layers with weights of each output channel.
LAYERS = (
    "conv_s8",
    "pointwise_conv_s8",
    "conv_add_s8",
    "pointwise_add_s8",
    "depthwise_conv_s8",
    "fully_connected_s8",
)

#: Kernels that give each channel a value between two that it had.
POOLS = ("average_pool_s8", "max_pool_s8")

#: A multiplier of 1/2.
HALF = 1 << 30

#: A bias that leads beyond the limits of every output, if a sum is halved and shifted by 1 or 2.
FAR = 1 << 29

#: Bounds of products that cannot bring such a sum back.
NEAR = 1 << 28


@dataclass(frozen=True, slots=True)
class Scales:
    """How channels become constants, each `[C]`.

    Attributes:
        is_given: whether there is a bias for the constant.
        multipliers: None where one is for all channels, which then stays.
        is_idle: weights make no difference.
    """

    is_given: Array
    biases: Array
    multipliers: Array | None
    is_idle: Array


def fold_constant_channels(program: Program) -> Program:
    """Return the program with constant channels as weights of zero and a bias that gives the constant.

    The TFLite converter writes biases of 2^30, factors of zero and shifts by 31 for channels that never vary, which
    fast kernels cannot compute with. Bounds of every channel follow from all weights, biases and scales, so that a
    channel that a layer's limits make constant is found too. The layer behind adds a constant to its biases, unless it
    pads with another value.
    """
    known: dict[str, Bounds] = {}
    steps = []
    for step in program.steps:
        output = program.owner(step.output)
        source = known.get(program.owner(step.inputs[0])) if step.inputs else None
        if step.kernel in LAYERS:
            fields, bounds = _folded(step.kernel, layer_fields(step), source)
            step = with_layer_fields(step, fields)
            if "scales" not in step.fields:
                known[output] = bounds
        elif step.kernel in POOLS and source is not None and len(source.low) == step.fields["channels"]:
            low, high = numbers(step.fields, "low", "high")
            known[output] = Bounds(np.clip(source.low, low, high), np.clip(source.high, low, high))
        steps.append(step)
    return dataclasses.replace(program, steps=tuple(steps))


def layer_fields(step: Step) -> Fields:
    """Return the fields of a layer, also where an addition is part of its step."""
    found = step.fields.get("conv", step.fields)
    assert isinstance(found, dict)
    return found


def with_layer_fields(step: Step, fields: Fields) -> Step:
    """Return the step with other fields of its layer."""
    return dataclasses.replace(step, fields={**step.fields, "conv": fields} if "conv" in step.fields else fields)


def idle_weight(weights: Array, is_idle: Array) -> int:
    """Return the weight of channels whose weights make no difference.

    It is 0, but where no other channel has a 0 and all values of the layer fill a palette: one of them then, for a new
    one would take a further bit of every index.

    Args:
        weights: int8 `[out_c, taps, in_c]`.
        is_idle: bool `[out_c]`.
    """
    values, counts = np.unique(weights[~is_idle], return_counts=True)
    is_full_palette = len(values).bit_count() == 1 and len(values) <= 1 << MAX_BITS
    if not is_full_palette or 0 in values:
        return 0
    return int(values[counts.argmax()])


def _folded(kernel: str, fields: Fields, source: Bounds | None) -> tuple[Fields, Bounds]:
    """Return a layer's fields with constants folded, and the bounds of its outputs."""
    values = _values(kernel, fields, source)
    fields = _absorbed(kernel, fields, values)
    if is_padded(fields):
        (zero,) = numbers(fields, "in_zero")
        values = Bounds(np.minimum(values.low, zero), np.maximum(values.high, zero))
    sums = sum_bounds(weights_by_channel(kernel, fields), array(fields, "biases"), values)
    outputs = output_bounds(fields, sums)
    if not outputs.is_constant.any():
        return fields, outputs
    return _without_weights(kernel, fields, outputs), outputs


def _values(kernel: str, fields: Fields, source: Bounds | None) -> Bounds:
    """Return what a layer's inputs can be, `[in_c]`, or `[out_c, 1]` of a depthwise convolution."""
    is_flat = "num_inputs" in fields
    (num_inputs,) = numbers(fields, "num_inputs" if is_flat else "in_c")
    if source is None or (num_inputs % len(source.low) if is_flat else num_inputs != len(source.low)):
        source = Bounds.of_int8(num_inputs)
    source = Bounds(np.resize(source.low, num_inputs), np.resize(source.high, num_inputs))
    if kernel != "depthwise_conv_s8":
        return source
    repeat = numbers(fields, "out_c")[0] // num_inputs
    return Bounds(np.repeat(source.low, repeat)[:, None], np.repeat(source.high, repeat)[:, None])


def _absorbed(kernel: str, fields: Fields, values: Bounds) -> Fields:
    """Return the fields with the products of constant inputs in the biases, and zero as their weights."""
    weights = weights_by_channel(kernel, fields)
    is_constant = values.is_constant
    if is_padded(fields):
        is_constant = is_constant & (values.low == numbers(fields, "in_zero")[0])
    if not is_constant.any():
        return fields
    is_constant = np.broadcast_to(is_constant, (weights.shape[0], weights.shape[2]))
    constants = np.where(is_constant, values.low, 0)
    products = weights.sum(axis=1, dtype=np.int64) * constants
    biases = array(fields, "biases") + products.sum(axis=1)
    if np.abs(biases).max() >= 1 << 31:
        return fields
    kept = np.where(is_constant[:, None, :], 0, weights).astype(np.int8)
    return {**fields, "weights": stored_weights(kernel, kept), "biases": biases.astype(np.int32)}


def _without_weights(kernel: str, fields: Fields, outputs: Bounds) -> Fields:
    """Return the fields with constant channels as biases alone."""
    weights = weights_by_channel(kernel, fields).copy()
    is_constant = outputs.is_constant
    constants = np.flatnonzero(is_constant)
    idle = idle_weight(weights, is_constant)
    if 128 * abs(idle) * weights[0].size > NEAR:
        idle = 0
    scales = _constant_scales(fields, outputs.low[constants], is_idle=idle != 0)
    constants = constants[scales.is_given]
    weights[constants] = np.where(scales.is_idle[scales.is_given], idle, 0)[:, None, None]
    found = {name: array(fields, name).copy() for name in ("biases", "multipliers", "shifts")}
    found["biases"][constants] = scales.biases[scales.is_given]
    if scales.multipliers is not None:
        found["multipliers"][constants] = scales.multipliers[scales.is_given]
        found["shifts"][constants] = -2 if "num_inputs" in fields else -1
    return {**fields, **found, "weights": stored_weights(kernel, weights)}


def _constant_scales(fields: Fields, values: Array, *, is_idle: bool) -> Scales:
    """Return how channels give `values`, int64 `[C]`: with weights of 0; if `is_idle`, with any where that can be."""
    zero, low, high = numbers(fields, "out_zero", "low", "high")
    steps = values - zero
    if not fields.get("scale_step", 1):
        return _biases_for_one_scale(fields, values)
    # Half a sum, shifted by 1 or 2: both ways of rounding give 1 for 4 or 8.
    biases = steps * (8 if "num_inputs" in fields else 4)
    multipliers = np.full(len(values), HALF, np.int64)
    idle = np.zeros(len(values), np.bool_)
    if is_idle:
        idle = (values == low) | (values == high) | (steps == 0)
        biases = np.where(values == low, -FAR, np.where(values == high, FAR, biases))
        multipliers = np.where(steps == 0, 0, multipliers)
    return Scales(np.ones(len(values), np.bool_), biases, multipliers, idle)


def _biases_for_one_scale(fields: Fields, values: Array) -> Scales:
    """Return biases that give `values` with the one multiplier of a fully connected layer, where there are such."""
    zero, low, high = numbers(fields, "out_zero", "low", "high")
    multipliers, shifts = (np.resize(array(fields, name), len(values)) for name in ("multipliers", "shifts"))
    factor = float(multipliers[0]) * 2.0 ** (int(shifts[0]) - 31) if len(values) else 0.0
    wanted = np.rint((values - zero) / factor) if factor else np.zeros(len(values))
    biases = np.clip(wanted, -FAR, FAR).astype(np.int64)
    made = np.clip(rescale(biases, multipliers, shifts, rounds_once=True) + zero, low, high)
    return Scales(made == values, biases, None, np.zeros(len(values), np.bool_))
