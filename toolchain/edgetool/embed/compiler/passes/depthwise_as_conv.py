"""A depthwise convolution of one channel is a convolution, and kernels for those compute many filters at once."""

from __future__ import annotations

import dataclasses

import numpy as np

from edgetool.embed.arithmetic.bounds import DEPTHWISE
from edgetool.embed.backends.layout import array
from edgetool.embed.program import Program, Step

__all__ = ["depthwise_as_convolutions"]


def depthwise_as_convolutions(program: Program) -> Program:
    """Return the program with depthwise convolutions of an image of one channel as convolutions."""
    return dataclasses.replace(program, steps=tuple(_converted(step) for step in program.steps))


def _converted(step: Step) -> Step:
    if step.kernel != DEPTHWISE or step.fields["in_c"] != 1:
        return step
    filters = np.ascontiguousarray(array(step.fields, "weights").T)
    fields = {**step.fields, "weights": filters}
    return dataclasses.replace(step, kernel="conv_s8", fields=fields, scratch_bytes=filters.shape[1])
