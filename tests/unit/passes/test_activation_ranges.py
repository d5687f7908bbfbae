"""Activation ranges are told from everything else that a quantise wrapper holds."""

from __future__ import annotations

from typing import Any

import pytest

from edgetool.passes.activation_ranges import RATE, _call, _is_activation_range, _rate


class Variable:
    def __init__(self, name: str) -> None:
        self.name = name


KERNEL_MIN = Variable("quant_conv/kernel_min:0")


class Wrapper:
    _weight_vars = ((None, None, {"min_var": KERNEL_MIN, "max_var": Variable("quant_conv/kernel_max:0")}),)


@pytest.mark.parametrize(
    ("variable", "expected"),
    [
        (Variable("quant_conv/post_activation_min:0"), True),
        (Variable("quant_conv/output_max:0"), True),
        (Variable("quant_conv/optimizer_step:0"), False),
        (Variable("norm/moving_mean:0"), False),
        (KERNEL_MIN, False),
    ],
)
def test_which_variables_are_ranges(variable: Variable, expected: bool) -> None:
    assert _is_activation_range(Wrapper(), variable) is expected


def test_inputs_take_extremes_as_they_are() -> None:
    class AllValuesQuantizer:
        pass

    class InputLayer:
        quantizer = AllValuesQuantizer()

    assert _rate(InputLayer()) == 1.0 and _rate(Wrapper()) == RATE == pytest.approx(0.001)


def test_layers_that_know_no_training() -> None:
    def plain(x: Any, scale: int = 1) -> Any:
        return x * scale

    def training_too(x: Any, training: bool) -> Any:
        return (x, training)

    assert _call(plain, 2, {"scale": 3}, training=True) == 6
    assert _call(training_too, 2, {}, training=True) == (2, True)
