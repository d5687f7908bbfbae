"""Weights with a zero point, of files that TensorFlow 1 wrote: one for the tensor, beside one scale."""

from __future__ import annotations

import dataclasses

import numpy as np

from edgetool.data.dataset import Array
from edgetool.embed.ops.checks import quantization_of, require
from edgetool.embed.program import Step
from edgetool.ir.graph import Graph, Op

__all__ = ["centred_weights", "with_weight_zero"]


def centred_weights(op: Op, graph: Graph, weights: Array, *, has_zero: bool) -> tuple[Array, int]:
    """Return int8 weights and their zero point, which is 0 if that can be taken off without leaving int8.

    Args:
        op: a layer; its second input are the weights.
        graph: where their quantisation is looked up.
        weights: the stored values.
        has_zero: whether LiteRT's kernel looks at their zero point; those of int8 convolutions do not.

    Raises:
        UnsupportedModelError: a zero point for each channel.
    """
    zeros = quantization_of(op, graph.tensors[op.inputs[1]]).zero_point
    zero = zeros[0]
    require(
        not has_zero or set(zeros) == {zero},
        op,
        what="weights with several zero points",
        expected="one zero point for all weights",
        next_step="export the model again with a current converter",
    )
    if not has_zero or zero == 0:
        return weights, 0
    centred = weights.astype(np.int16) - zero
    if centred.min(initial=0) >= -128 and centred.max(initial=0) <= 127:
        return centred.astype(np.int8), 0
    return weights, zero


def with_weight_zero(step: Step, zero: int, name: str) -> Step:
    """Return the step as a call of the kernel that takes a zero point; the step itself where there is none.

    Args:
        step: of a convolution or a fully connected layer.
        zero: the weights' zero point.
        name: what the kernel calls the parameters of the one without it.
    """
    if zero == 0:
        return step
    kernel = f"{step.kernel.removesuffix('_s8')}_offset_s8"
    return dataclasses.replace(step, kernel=kernel, fields={name: step.fields, "weight_zero": zero})
