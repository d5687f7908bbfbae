"""Which layers a pass works on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgetool.errors import PassError
from edgetool.passes.layers import choose_layers, require_some


class Variable:
    def __init__(self, *shape: int) -> None:
        self.name, self.values = "kernel:0", np.zeros(shape, np.float32)

    def numpy(self) -> Any:
        return self.values


def layer(kind: str, name: str, **attributes: Any) -> Any:
    """Return an object of a class of that name, as layers are told by it."""
    found = type(kind, (), {})()
    found.name, found.weights = name, [value for value in attributes.values() if isinstance(value, Variable)]
    for key, value in attributes.items():
        setattr(found, key, value)
    return found


class Model:
    def __init__(self, *layers: Any) -> None:
        self.layers = list(layers)


MODEL = Model(
    layer("InputLayer", "image"),
    layer("Conv2D", "conv", kernel=Variable(3, 3, 16, 16)),
    layer("BatchNormalization", "norm", gamma=Variable(16)),
    layer("DepthwiseConv2D", "depthwise", depthwise_kernel=Variable(3, 3, 512, 1)),
    layer("LSTM", "cell", cell=Variable(4, 4)),
    layer("Functional", "nested", layers=[]),
    layer("Dense", "classes", kernel=Variable(64, 10)),
)


def test_supported_kernels_that_are_large_enough() -> None:
    chosen, skipped = choose_layers(MODEL, step="prune", min_elements=1024)
    assert chosen == ["conv"]
    reasons = {item.layer: item.reason for item in skipped}
    assert set(reasons) == {"depthwise", "cell", "nested", "classes"}
    assert "640 weights, fewer than 1024" in reasons["classes"]
    assert reasons["cell"] == "LSTM is not supported" and "nested model" in reasons["nested"]
    assert {item.step for item in skipped} == {"prune"}


def test_a_pass_may_support_other_kinds() -> None:
    chosen, _ = choose_layers(MODEL, step="x", min_elements=0, kinds=("DepthwiseConv2D",))
    assert chosen == ["depthwise"]


def test_nothing_to_work_on_says_why() -> None:
    _, skipped = choose_layers(MODEL, step="prune", min_elements=10**6)
    with pytest.raises(PassError) as caught:
        require_some([], skipped, step="prune")
    assert "conv: 2304 weights" in caught.value.found
    with pytest.raises(PassError, match="no layer has weights"):
        require_some([], [], step="prune")
    require_some(["conv"], [], step="prune")
