"""Activation ranges are told from everything else that a quantise wrapper holds."""

from __future__ import annotations

from typing import Any

import pytest

from edgetool.passes.activation_ranges import RATE, _activation_ranges, _call, _rate, _weight_ranges


class Variable:
    def __init__(self, name: str) -> None:
        self.name = name


KERNEL_MIN = Variable("quant_conv/kernel_min:0")
OUTPUT = Variable("quant_conv/output_max:0")
BEFORE, BEHIND = (Variable(f"quant_conv/{place}_activation_min:0") for place in ("pre", "post"))


class Wrapper:
    _weight_vars = ((None, None, {"min_var": KERNEL_MIN, "max_var": Variable("quant_conv/kernel_max:0")}),)
    non_trainable_weights = (
        Variable("quant_conv/optimizer_step:0"), OUTPUT, KERNEL_MIN, BEHIND, BEFORE, Variable("norm/moving_mean:0")
    )  # fmt: skip


def test_ranges_come_in_the_order_they_are_met_without_those_of_weights() -> None:
    own = _weight_ranges(Wrapper())
    assert id(KERNEL_MIN) in own and len(own) == 2
    assert _activation_ranges(Wrapper(), own) == [[BEFORE], [BEHIND], [OUTPUT]]


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
