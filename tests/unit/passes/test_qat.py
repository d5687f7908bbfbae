"""Where quantise-aware training puts its quantisers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgetool.passes.qat import _kernel_variables, before_activation


class ReLU:
    name = "relu"


class Conv2D:
    name = "conv2"


class Node:
    def __init__(self, layer: Any) -> None:
        self.layer = layer


def linear() -> None:
    """Told by its name."""


def relu() -> None:
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
    ],
)
def test_only_the_activation_behind_a_layer_is_quantised(activation: Any, followers: Any, expected: bool) -> None:
    assert before_activation(Model(activation, *followers), "conv") is expected


def test_kernels_behind_wrappers_by_name() -> None:
    class Inner:
        name = "conv"

    class Wrapper:
        layer = Inner()
        _weight_vars = ((np.ones(3), None, None), (np.zeros(3), None, None))

    class Wrapped:
        layers = (Wrapper(), ReLU())

    found = _kernel_variables(Wrapped())
    assert list(found) == ["conv"] and found["conv"].all()
