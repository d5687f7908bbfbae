"""Floats are named where the core has no unit for them, and nowhere else."""

from __future__ import annotations

import pytest

from edgetool.embed.backends.soft_float import soft_float_warnings
from edgetool.embed.program import Program, Step
from edgetool.ir.graph import Tensor
from edgetool.targets import find_target


def program_of(*kernels: str) -> Program:
    tensors = {f"t{i}": Tensor(f"t{i}", (1, 4), "float32") for i in range(len(kernels) + 1)}
    steps = tuple(Step(f"l{i}", kernel, (f"t{i}",), f"t{i + 1}") for i, kernel in enumerate(kernels))
    return Program(tensors, steps, ("t0",), (f"t{len(kernels)}",), {}, "d")


def test_a_core_without_a_unit_is_named_with_the_number_of_operators() -> None:
    (said,) = soft_float_warnings(program_of("conv_s8", "dequantize_s8_f32", "relu_f32"), find_target("cortex-m3-qemu"))
    assert said.startswith("2 of 3 operators compute in float32, and cortex-m3-qemu has no floating-point unit")


@pytest.mark.parametrize(
    ("kernel", "target"), [("conv_s8", "cortex-m3-qemu"), ("conv_f32", "cortex-m4-qemu"), ("conv_f32", "host")]
)
def test_nothing_is_said_of_integers_or_with_a_unit(kernel: str, target: str) -> None:
    assert soft_float_warnings(program_of(kernel), find_target(target)) == ()
