"""Where training for int8 puts its ranges, and which weights share a scale; it runs in test_passes.py."""

from __future__ import annotations

from typing import Any

import pytest

from edgetool.passes.fake_quantize import _contracted, is_fused, without_range


def linear() -> None:
    """Told by its name."""


def relu() -> None:
    """Told by its name."""


def softmax() -> None:
    """Told by its name."""


class Node:
    def __init__(self, layer: Any) -> None:
        self.layer = layer


class Layer:
    """A layer of a kind, with what reads it."""

    def __init__(self, *followers: Any, **attributes: Any) -> None:
        self.outbound_nodes = [Node(item) for item in followers]
        self.__dict__.update(attributes)


def layer(kind: str, *followers: Any, **attributes: Any) -> Any:
    return type(kind, (Layer,), {})(*followers, **attributes)


class Model:
    def __init__(self, *layers: Any) -> None:
        self.layers = layers


RELU = layer("ReLU", negative_slope=0.0, threshold=0.0)
LEAKY = layer("ReLU", negative_slope=0.1, threshold=0.0)
CONV = layer("Conv2D", activation=linear)


@pytest.mark.parametrize(
    ("first", "followers", "expected"),
    [
        ("Conv2D", (RELU,), True),
        ("Add", (RELU,), True),
        ("Conv2D", (CONV,), False),
        ("Conv2D", (RELU, CONV), False),
        ("Conv2D", (), False),
        ("Conv2D", (LEAKY,), False),
        ("Conv2D", (layer("Activation", activation=relu),), True),
        ("Conv2D", (layer("Activation", activation=softmax),), False),
        ("LayerNormalization", (RELU,), False),
    ],
)
def test_only_what_a_fused_relu_gives_has_a_range(first: str, followers: tuple[Any, ...], expected: bool) -> None:
    source = layer(first, *followers)
    model = Model(source, *followers)
    assert is_fused(model, source) is expected


def test_a_layer_with_an_activation_of_its_own_is_not_fused_with_a_relu_behind_it() -> None:
    source = layer("Conv2D", RELU, activation=softmax)
    assert not is_fused(Model(source, RELU), source)


def test_readers_outside_the_model_do_not_count() -> None:
    source = layer("Conv2D", RELU, CONV, activation=linear)
    assert is_fused(Model(source, RELU), source), "a copy of the model that was cut shares the layer"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (layer("Flatten"), True),
        (layer("MaxPooling2D"), True),
        (layer("UpSampling2D", interpolation="nearest"), True),
        (layer("UpSampling2D", interpolation="bilinear"), False),
        (layer("AveragePooling2D"), False),
        (layer("Multiply", CONV), False),
        (layer("LayerNormalization"), True),
        (layer("LayerNormalization", CONV), False),
    ],
)
def test_layers_that_only_move_values_or_stay_float_have_no_range(source: Any, expected: bool) -> None:
    assert without_range(Model(source, CONV), source) is expected


@pytest.mark.parametrize(
    ("equation", "axes"),
    [("abc,cde->abde", (0,)), ("abcd,cde->abe", (0, 1)), ("ab,bc->ac", (0,))],
)
def test_what_an_einsum_sums_over_shares_a_scale(equation: str, axes: tuple[int, ...]) -> None:
    assert _contracted(equation) == axes
