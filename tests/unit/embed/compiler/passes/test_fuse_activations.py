"""Activations become limits where nothing else is done, and nobody needs the values in front of them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from edgetool.embed.compiler.passes.fuse_activations import fuse_activations
from edgetool.embed.ops.checks import LARGEST
from edgetool.embed.program import Fields, Program, Step
from edgetool.ir.graph import Tensor

EVERY = np.arange(-128, 128)


def program_of(first: Step, second: Step, *, outputs: tuple[str, ...] = ("y",)) -> Program:
    tensors = {name: Tensor(name, (1, 4), "int8") for name in "xry"}
    return Program(tensors, (first, second), ("x",), outputs, {"r": "m"}, "d")


def conv(low: float = -128, high: float = 127, *, kernel: str = "conv_s8") -> Step:
    limits: Fields = {"low": low, "high": high}
    return Step("c", kernel, ("x",), "m", {"conv": {}, "scales": limits} if "add" in kernel else limits)


def table(values: object) -> Step:
    return Step("a", "table_s8", ("r",), "y", {"num_elements": 4, "table": np.asarray(values).astype(np.int8)})


@pytest.mark.parametrize("kernel", ["conv_s8", "depthwise_conv_s8", "add_s8", "conv_add_s8"])
def test_a_table_that_only_limits_becomes_limits(kernel: str) -> None:
    (step,) = fuse_activations(program_of(conv(kernel=kernel), table(np.clip(EVERY, -5, 90)))).steps
    limits = step.fields["scales"] if "add" in kernel else step.fields
    assert isinstance(limits, dict) and (limits["low"], limits["high"]) == (-5, 90)
    assert (step.kernel, step.output, step.layer) == (kernel, "y", "c, a")


def test_only_values_that_can_come_count() -> None:
    values = np.where(EVERY < 0, 77, EVERY)
    (step,) = fuse_activations(program_of(conv(0, 50), table(values))).steps
    assert (step.fields["low"], step.fields["high"]) == (0, 50)
    assert len(fuse_activations(program_of(conv(-1, 50), table(values))).steps) == 2


@pytest.mark.parametrize("values", [np.clip(EVERY + 1, -128, 127), -EVERY.clip(-127), EVERY // 2])
def test_a_table_that_changes_values_stays(values: object) -> None:
    assert len(fuse_activations(program_of(conv(), table(values))).steps) == 2


def test_values_that_are_needed_again_stay() -> None:
    program = program_of(conv(), table(np.clip(EVERY, 0, 127)), outputs=("y", "r"))
    assert fuse_activations(program).steps == program.steps


@pytest.mark.parametrize(
    ("kernel", "limits"),
    [("relu_f32", (0.0, LARGEST)), ("relu6_f32", (0.0, 6.0)), ("relu_n1_to_1_f32", (-1.0, 1.0))],
)
def test_float_activations_are_limits(kernel: str, limits: tuple[float, float]) -> None:
    activation = Step("a", kernel, ("r",), "y", {"num_elements": 4, "alpha": 0.0})
    (step,) = fuse_activations(program_of(conv(-LARGEST, LARGEST, kernel="conv_f32"), activation)).steps
    assert (step.fields["low"], step.fields["high"]) == limits


def test_one_behind_the_other() -> None:
    second = dataclasses.replace(table(np.clip(EVERY, -128, 40)), inputs=("y",), output="z", layer="b")
    program = program_of(conv(), table(np.clip(EVERY, 0, 127)), outputs=("z",))
    program = dataclasses.replace(program, steps=(*program.steps, second))
    (step,) = fuse_activations(program).steps
    assert (step.fields["low"], step.fields["high"], step.output) == (0, 40, "z")


def test_kernels_without_limits_are_left_alone() -> None:
    program = program_of(conv(kernel="gather_s8"), table(np.clip(EVERY, 0, 127)))
    assert fuse_activations(program).steps == program.steps
