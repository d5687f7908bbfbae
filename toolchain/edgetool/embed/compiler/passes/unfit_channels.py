"""Channels that fast kernels cannot compute are split from their layers: an exact kernel of their own makes them."""

from __future__ import annotations

import dataclasses

import numpy as np

from edgetool.data.dataset import Array
from edgetool.embed.arithmetic.bounds import DEPTHWISE, stored_weights, weights_by_channel
from edgetool.embed.backends.base import Backend
from edgetool.embed.backends.choice import backend_for, layer_limit, unfit_channels
from edgetool.embed.backends.layout import array, image_fields, numbers
from edgetool.embed.backends.portable import PORTABLE
from edgetool.embed.compiler.context import Context
from edgetool.embed.compiler.passes.constant_channels import LAYERS, idle_weight, layer_fields, with_layer_fields
from edgetool.embed.program import Fields, Program, Step
from edgetool.ir.graph import Tensor

__all__ = ["EXACT", "split_unfit_channels"]

#: Portable kernel of a layer -> the one that computes some channels of it, whatever their scales are.
EXACT = {
    "conv_s8": "exact_conv_s8",
    "pointwise_conv_s8": "exact_conv_s8",
    "conv_add_s8": "exact_conv_add_s8",
    "pointwise_add_s8": "exact_conv_add_s8",
    DEPTHWISE: "exact_depthwise_s8",
    "fully_connected_s8": "exact_fully_connected_s8",
}

#: A layer of which more than this share of the channels is unfit keeps its portable kernel.
MOST_UNFIT = 0.5


def split_unfit_channels(program: Program, context: Context) -> Program:
    """Return a program in which the channels that the kernels for an instruction set cannot compute stand apart.

    The layer makes the others, the exact kernel makes these into a small tensor before it, because the layer may write
    over its inputs, and a third step puts them in their places. What one channel needs does not choose the kernel of a
    layer.

    Args:
        program: of portable kernels.
        context: the target's instruction set.
    """
    backend = backend_for(context.isa)
    tensors, steps = dict(program.tensors), []
    for step in program.steps:
        mask = _unfit(step, backend) if step.kernel in LAYERS else None
        if mask is None:
            steps.append(step)
            continue
        parts, added = _split(step, np.flatnonzero(mask), program.tensors[step.output])
        steps += parts
        tensors |= {tensor.name: tensor for tensor in added}
    if len(steps) == len(program.steps):
        return program
    return dataclasses.replace(program, tensors=tensors, steps=tuple(steps))


def _unfit(step: Step, backend: Backend) -> Array | None:
    """Return which channels of a layer are to stand apart, bool `[C]`; None: none."""
    fields = layer_fields(step)
    masks = list(unfit_channels(step.kernel, fields, backend).values()) if not layer_limit(step, backend) else []
    if masks and np.any(masks, axis=0).mean() > MOST_UNFIT:
        masks = []
    masks += unfit_channels(step.kernel, fields, PORTABLE).values()
    return np.any(masks, axis=0) if masks else None


def _split(step: Step, channels: Array, output: Tensor) -> tuple[list[Step], list[Tensor]]:
    """Return the steps in the place of one, and the tensors between them."""
    fields = layer_fields(step)
    num_channels = numbers(fields, "num_outputs" if "num_outputs" in fields else "out_c")[0]
    num_pixels = output.num_elements // num_channels
    apart = dataclasses.replace(
        output, name=f"{output.name}: channels apart", shape=(1, num_pixels, len(channels)), constant=None
    )
    others = dataclasses.replace(output, name=f"{output.name}: other channels")
    layer = with_layer_fields(dataclasses.replace(step, output=others.name), _without(step.kernel, fields, channels))
    places: Fields = {
        "channels": channels.astype(np.int32),
        "num_apart": len(channels),
        "num_channels": num_channels,
        "num_pixels": num_pixels,
    }
    insertion = Step(step.layer, "insert_channels_s8", (others.name, apart.name), output.name, places, overwrites=(0,))
    return [_exact(step, fields, channels, apart.name, places), layer, insertion], [apart, others]


def _without(kernel: str, fields: Fields, channels: Array) -> Fields:
    """Return a layer's fields with channels that any kernel can compute in the place of these."""
    weights = weights_by_channel(kernel, fields).copy()
    is_apart = np.zeros(len(weights), np.bool_)
    is_apart[channels] = True
    weights[channels] = idle_weight(weights, is_apart)
    found = {name: array(fields, name).copy() for name in ("biases", "multipliers", "shifts")}
    found["biases"][channels] = 0
    if len(found["shifts"]) == len(weights):
        found["multipliers"][channels] = 0
        found["shifts"][channels] = -2
    return {**fields, **found, "weights": stored_weights(kernel, weights)}


def _exact(step: Step, fields: Fields, channels: Array, output: str, places: Fields) -> Step:
    """Return the step that makes some channels of a layer alone."""
    found = dict(image_fields(fields))
    weights = weights_by_channel(step.kernel, fields)[channels]
    found["weights"] = np.ascontiguousarray(weights.reshape(len(channels), -1))
    found["biases"] = array(fields, "biases")[channels]
    for name in ("multipliers", "shifts"):
        values = array(fields, name)
        found[name] = values[channels] if len(values) > 1 else np.repeat(values, len(channels))
    patch_bytes = weights[0].size if step.kernel.startswith(("conv", "pointwise")) else 0
    kernel = EXACT[step.kernel]
    if kernel == "exact_fully_connected_s8":
        found |= {"num_outputs": len(channels), "scale_step": 1}
    if kernel == "exact_conv_s8":
        found["out_c"] = len(channels)
    if kernel == "exact_depthwise_s8":
        found = {"layer": found, "channels": places["channels"], "num_apart": len(channels)}
    if kernel == "exact_conv_add_s8":
        found = {"layer": {**found, "out_c": len(channels)}, "scales": step.fields["scales"], **places}
    return Step(
        layer=f"{step.layer}, channels apart",
        kernel=kernel,
        inputs=step.inputs,
        output=output,
        fields=found,
        scratch_bytes=patch_bytes,
        has_scratch=patch_bytes > 0,
    )
