"""Channels that no layer needs leave the program: their filters are no part of the flash, their values take no RAM."""

from __future__ import annotations

import dataclasses

import numpy as np

from edgetool.data.dataset import Array
from edgetool.embed.arithmetic.bounds import DEPTHWISE, stored_weights, weights_by_channel
from edgetool.embed.backends.layout import array, numbers, round_up
from edgetool.embed.compiler.passes.constant_channels import LAYERS, POOLS, layer_fields, with_layer_fields
from edgetool.embed.program import Program, Step

__all__ = ["drop_dead_channels"]

#: Fast kernels compute channels by fours: what is left is filled up with channels that nobody needs.
MULTIPLE = 4

#: Kernels whose output channels can be dropped: what makes a channel needs no other one of them.
MAKERS = ("conv_s8", "pointwise_conv_s8", DEPTHWISE, *POOLS)

#: Kernels of which an output channel is made from the input channel of the same number.
CHANNEL_BY_CHANNEL = (DEPTHWISE, *POOLS)


def drop_dead_channels(program: Program) -> Program:
    """Return the program without the channels that every layer behind has weights of zero for.

    A depthwise convolution or a pooling between two layers loses the same channels as its input. Channels of the
    application's inputs and outputs, and of additions, stay.
    """
    groups = _groups(program)
    kept = {root: np.ones(size, np.bool_) for root, size in _sizes(program, groups).items()}
    is_stable = not kept
    while not is_stable:
        needed = {root: _needed(program, groups, kept, root) & mask for root, mask in kept.items()}
        is_stable = all((needed[root] == mask).all() for root, mask in kept.items())
        kept = needed
    chosen = {root: _filled_up(mask) for root, mask in kept.items()}
    chosen = {root: channels for root, channels in chosen.items() if len(channels) < len(kept[root])}
    if not chosen:
        return program
    return _without(program, {name: chosen[root] for name, root in groups.items() if root in chosen})


def _groups(program: Program) -> dict[str, str]:
    """Return the tensors that must have the same channels: tensor with memory -> first tensor of its group."""
    groups: dict[str, str] = {}
    for step in program.steps:
        source = program.owner(step.inputs[0]) if step.inputs else ""
        output = program.owner(step.output)
        groups[output] = groups.get(source, source) if _keeps_channels(step) else output
    return groups


def _keeps_channels(step: Step) -> bool:
    if step.kernel == DEPTHWISE:
        in_c, out_c = numbers(step.fields, "in_c", "out_c")
        return in_c == out_c
    return step.kernel in POOLS


def _sizes(program: Program, groups: dict[str, str]) -> dict[str, int]:
    """Return the number of channels of each group that may lose some."""
    found: dict[str, int] = {}
    refused = set()
    makers = {program.owner(step.output): step for step in program.steps}
    for name, root in groups.items():
        maker = makers[name]
        is_made = root in makers and maker.kernel in MAKERS and (name != root or not _keeps_channels(maker))
        if not is_made:
            refused.add(root)
            continue
        channels = _num_channels(maker)
        found[root] = channels
        if not _may_be_dropped(program, name, channels) or channels != found[root]:
            refused.add(root)
    return {root: size for root, size in found.items() if root not in refused}


def _num_channels(maker: Step) -> int:
    return numbers(maker.fields, "channels" if maker.kernel in POOLS else "out_c")[0]


def _may_be_dropped(program: Program, name: str, channels: int) -> bool:
    """Tell whether every reader of a tensor is a layer that can do without some of its channels."""
    for index in program.readers().get(name, []):
        if index == len(program.steps) or not _can_read_fewer(program, program.steps[index], name, channels):
            return False
    views = [view for view in program.aliases if program.owner(view) == name]
    return all(program.tensors[view].shape[-1:] and program.tensors[view].shape[-1] % channels == 0 for view in views)


def _can_read_fewer(program: Program, step: Step, name: str, channels: int) -> bool:
    sources = [program.owner(source) for source in step.inputs]
    if sources[0] != name or sources.count(name) != 1:
        return False
    if step.kernel == "fully_connected_s8":
        return numbers(step.fields, "num_inputs")[0] % channels == 0
    if step.kernel in POOLS:
        return step.fields["channels"] == channels
    is_layer = step.kernel in LAYERS and layer_fields(step)["in_c"] == channels
    return is_layer and (step.kernel != DEPTHWISE or _keeps_channels(step))


def _needed(program: Program, groups: dict[str, str], kept: dict[str, Array], root: str) -> Array:
    """Return which channels of a group any layer outside of it has weights for, bool `[C]`."""
    needed = np.zeros(len(kept[root]), np.bool_)
    for step in program.steps:
        if step.kernel in CHANNEL_BY_CHANNEL or not step.inputs:
            continue
        if groups.get(program.owner(step.inputs[0])) != root:
            continue
        weights = weights_by_channel(step.kernel, layer_fields(step))
        rows = kept.get(groups[program.owner(step.output)], np.ones(len(weights), np.bool_))
        has_weights = weights[rows].any(axis=(0, 1))
        needed |= has_weights.reshape(-1, len(needed)).any(axis=0)
    return needed


def _filled_up(needed: Array) -> Array:
    """Return the indices of the needed channels, and of others up to a multiple, in order."""
    wanted = min(round_up(max(1, int(needed.sum())), MULTIPLE), len(needed))
    spare = np.flatnonzero(~needed)[: wanted - int(needed.sum())]
    return np.sort(np.concatenate([np.flatnonzero(needed), spare]))


def _without(program: Program, kept: dict[str, Array]) -> Program:
    """Return the program with the channels of each tensor that are left."""
    sizes = {program.owner(step.output): _num_channels(step) for step in program.steps if step.kernel in MAKERS}
    steps = []
    for step in program.steps:
        inputs = kept.get(program.owner(step.inputs[0])) if step.inputs else None
        outputs = kept.get(program.owner(step.output))
        num_channels = sizes.get(program.owner(step.inputs[0]), 0) if step.inputs else 0
        steps.append(step if inputs is None and outputs is None else _smaller(step, inputs, outputs, num_channels))
    tensors = dict(program.tensors)
    for name, tensor in program.tensors.items():
        root = program.owner(name)
        if root in kept:
            last = tensor.shape[-1] // sizes[root] * len(kept[root])
            tensors[name] = dataclasses.replace(tensor, shape=(*tensor.shape[:-1], last))
    return dataclasses.replace(program, tensors=tensors, steps=tuple(steps))


def _smaller(step: Step, inputs: Array | None, outputs: Array | None, num_channels: int) -> Step:
    """Return a step with the channels of its input and its output that are left, None: all of `num_channels`."""
    if step.kernel in POOLS:
        assert outputs is not None
        return dataclasses.replace(step, fields={**step.fields, "channels": len(outputs)})
    fields = dict(layer_fields(step))
    weights = weights_by_channel(step.kernel, fields)
    if "num_inputs" in fields:
        weights = weights.reshape(len(weights), -1, num_channels)
    if outputs is not None:
        weights = weights[outputs]
        fields |= {name: array(fields, name)[outputs] for name in ("biases", "multipliers", "shifts")}
        fields["out_c"] = len(outputs)
    if inputs is not None and step.kernel != DEPTHWISE:
        weights = weights[:, :, inputs]
    if inputs is not None:
        fields |= {"num_inputs": weights[0].size} if "num_inputs" in fields else {"in_c": len(inputs)}
    fields["weights"] = np.ascontiguousarray(stored_weights(step.kernel, weights))
    made = with_layer_fields(step, fields)
    scratch = {DEPTHWISE: 4 * weights.shape[0], "conv_s8": weights[0].size, "conv_add_s8": weights[0].size}
    return dataclasses.replace(made, scratch_bytes=scratch.get(step.kernel, step.scratch_bytes))
