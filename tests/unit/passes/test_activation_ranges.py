"""Activation ranges are told from everything else that a wrapped layer holds; calibration stays within its memory."""

from __future__ import annotations

from typing import Any

import pytest

from edgetool.passes.activation_ranges import NUM_SAMPLES, _activation_ranges, _call, num_samples_within


class Variable:
    def __init__(self, name: str) -> None:
        self.name = name


OUTPUT = Variable("quant_conv/output_max:0")
BEFORE = Variable("quant_conv/pre_activation_min:0")


class Wrapper:
    non_trainable_weights = (OUTPUT, Variable("norm/moving_mean:0"), BEFORE, Variable("odd_max:0"))


def test_ranges_come_in_the_order_they_are_met_without_those_of_other_variables() -> None:
    assert _activation_ranges(Wrapper()) == [[BEFORE], [OUTPUT]]


@pytest.mark.parametrize(("num_bytes", "expected"), [(10, 1), (4 * 150 * 7, 7), (10**9, NUM_SAMPLES)])
def test_as_many_samples_as_memory_allows(num_bytes: int, expected: int) -> None:
    class Node:
        def __init__(self, shapes: Any) -> None:
            self.output_shapes = shapes

    class Model:
        _nodes_by_depth = {1: [Node((None, 10, 10))], 0: [Node([(None, 30), (None, 20)])]}  # noqa: RUF012 - as Keras has it

    assert num_samples_within(Model(), num_bytes) == expected


def test_layers_that_know_no_training() -> None:
    def plain(x: Any, scale: int = 1) -> Any:
        return x * scale

    def training_too(x: Any, training: bool) -> Any:
        return (x, training)

    assert _call(plain, (2,), {"scale": 3}, training=True) == 6
    assert _call(training_too, (2,), {}, training=True) == (2, True)
