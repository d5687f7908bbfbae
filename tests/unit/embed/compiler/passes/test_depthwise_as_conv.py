"""Depthwise convolutions of one channel."""

from __future__ import annotations

import numpy as np

from edgetool.embed.compiler.passes.depthwise_as_conv import depthwise_as_convolutions
from edgetool.embed.program import Fields, Program, Step


def _program(in_c: int) -> Program:
    fields: Fields = {"in_c": in_c, "out_c": 4, "weights": np.arange(12, dtype=np.int8).reshape(3, 4)}
    step = Step("d", "depthwise_conv_s8", ("x",), "y", fields, has_scratch=True, scratch_bytes=16)
    return Program({}, (step,), ("x",), ("y",), {}, "d")


def test_filters_of_one_channel_are_those_of_a_convolution() -> None:
    (step,) = depthwise_as_convolutions(_program(1)).steps
    assert step.kernel == "conv_s8" and step.scratch_bytes == 3
    assert np.asarray(step.fields["weights"]).tolist() == [[0, 4, 8], [1, 5, 9], [2, 6, 10], [3, 7, 11]]


def test_others_stay() -> None:
    program = _program(2)
    assert depthwise_as_convolutions(program).steps == program.steps
