"""Where quantise-aware training puts its quantisers, and whose kernels it finds; it runs in test_passes.py."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgetool.passes.quantize_wrap import _first_sentence, before_activation, kernel_variables


class ReLU:
    name = "relu"

    def __init__(self, negative_slope: float = 0.0) -> None:
        self.negative_slope, self.threshold = negative_slope, 0.0


class Activation:
    def __init__(self, activation: Any) -> None:
        self.activation = activation


class Conv2D:
    name = "conv2"


class Node:
    def __init__(self, layer: Any) -> None:
        self.layer = layer


def linear() -> None:
    """Told by its name."""


def relu() -> None:
    """Told by its name."""


def softmax() -> None:
    """Told by its name."""


class Model:
    def __init__(self, activation: Any, *followers: Any) -> None:
        self.activation, self.outbound_nodes = activation, [Node(item) for item in followers]

    def get_layer(self, name: str) -> Any:
        assert name == "conv"
        return self


@pytest.mark.parametrize(
    ("activation", "followers", "expected"),
    [
        (linear, (ReLU(),), True),
        (relu, (ReLU(),), False),
        (linear, (Conv2D(),), False),
        (linear, (ReLU(), ReLU()), False),
        (linear, (), False),
        (linear, (ReLU(0.1),), False),
        (linear, (Activation(relu),), True),
        (linear, (Activation(softmax),), False),
    ],
)
def test_only_the_activation_behind_a_layer_is_quantised(activation: Any, followers: Any, expected: bool) -> None:
    assert before_activation(Model(activation, *followers), "conv") is expected


class Variable:
    def __init__(self, value: float) -> None:
        self.value = value

    def numpy(self) -> Any:
        return np.full(3, self.value)

    def assign(self, value: Any) -> None:
        raise NotImplementedError


def test_kernels_by_name_behind_wrappers_and_without() -> None:
    class Inner:
        name = "conv"
        kernel = "a symbolic tensor"

    class Wrapper:
        layer = Inner()
        _weight_vars = ((Variable(1), None, None), (Variable(0), None, None))

    class Dense:
        name = "dense"
        kernel = Variable(2)

    class Unquantised:
        layer = Dense()

    class Bare:
        name = "volume"
        kernel = Variable(3)

    class Model:
        layers = (Wrapper(), ReLU(), Unquantised(), Bare())

    found = kernel_variables(Model())
    assert {name: variable.value for name, variable in found.items()} == {"conv": 1, "dense": 2, "volume": 3}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Layer cell:<class 'Cell'> is not supported. You\n can", "Layer cell:<class 'Cell'> is not supported"),
        ("`model` must be a built model.\nbeen built yet. Please call", "`model` must be a built model"),
        ("Error with class 'Dense' using config={'name': 'g', ...}.", "Error with class 'Dense'"),
        ("", "ValueError"),
        ("x" * 500, "x" * 160),
    ],
)  # fmt: skip
def test_of_an_error_of_tf_mot_its_first_sentence_is_told(text: str, expected: str) -> None:
    assert _first_sentence(ValueError(text)) == expected
