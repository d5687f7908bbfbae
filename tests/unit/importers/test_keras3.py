"""What Keras 3 writes and Keras 2 does not know; whole models are carried over in tests/integration."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgetool.errors import UnsupportedModelError
from edgetool.importers.keras3 import _call_kwargs, _copy_weights, _dtype, _make, _pick, _plain, _resolve


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({}, "float32"),
        ({"dtype": "float16"}, "float16"),
        ({"dtype": {"class_name": "DTypePolicy", "config": {"name": "float64"}}}, "float64"),
        ({"dtype": {"class_name": "DTypePolicy", "config": {"name": "mixed_float16"}}}, "float32"),
        ({"dtype": None}, "float32"),
    ],
)
def test_policies_become_types(config: dict[str, Any], expected: str) -> None:
    assert _dtype(config) == expected


def test_values_as_constructors_want_them() -> None:
    assert _plain([[1, 2], [3, 4]]) == ((1, 2), (3, 4))
    assert _plain({"module": "builtins", "class_name": "function", "config": "gelu"}) == "gelu"
    assert _plain({"rate": 1}) == {"rate": 1}


class LeakyReLU:
    def __init__(self, alpha: float = 0.3, name: str = "") -> None:
        self.alpha, self.name = alpha, name


def test_arguments_that_were_renamed_keep_their_values() -> None:
    config = {"name": "leaky", "negative_slope": 0.1, "quantization_config": None, "dtype": "float32"}
    made = _make(LeakyReLU, {key: value for key, value in config.items() if key != "dtype"}, "leaky")
    assert (made.alpha, made.name) == (0.1, "leaky")


def reference(name: str, node: int = 0, index: int = 0) -> dict[str, Any]:
    return {"class_name": "__keras_tensor__", "config": {"shape": [None, 4], "keras_history": [name, node, index]}}


TENSORS = {("a", 0, 0): "first", ("a", 1, 0): "second", ("b", 0, 1): "other"}


def test_tensors_are_found_by_layer_call_and_output() -> None:
    given = [[reference("a"), reference("b", 0, 1)], {"mask": reference("a", 1)}, 3]
    assert _resolve(given, TENSORS) == [["first", "other"], {"mask": "second"}, 3]
    assert _pick(["a", 1, 0], TENSORS) == "second"
    assert _pick([["a", 0, 0], ["b", 0, 1]], TENSORS) == ["first", "other"]


def test_arguments_that_say_nothing_are_left_out() -> None:
    assert _call_kwargs({"kwargs": {"mask": None, "training": True, "axis": 1}}) == {"axis": 1}
    assert _call_kwargs({}) == {}


class Layer:
    def __init__(self, name: str, *shapes: tuple[int, ...]) -> None:
        self.name, self.weights = name, [np.ones(shape) for shape in shapes]

    def get_weights(self) -> Any:
        return self.weights

    def set_weights(self, weights: Any) -> None:
        self.weights = [weight * 2 for weight in weights]


class Nested(Layer):
    def __init__(self, name: str, *layers: Layer) -> None:
        super().__init__(name, (1,))
        self.layers = layers


def test_weights_are_copied_by_name_through_nested_models() -> None:
    target = Nested("m", Layer("b", (3,)), Nested("inner", Layer("a", (2, 2))))
    _copy_weights(Nested("m", Nested("inner", Layer("a", (2, 2))), Layer("relu"), Layer("b", (3,))), target)
    inner = target.layers[1]
    assert isinstance(inner, Nested)
    assert [float(layer.weights[0].max()) for layer in (target.layers[0], inner.layers[0])] == [2.0, 2.0]


@pytest.mark.parametrize(
    ("target", "text"), [(Nested("m"), "was lost"), (Nested("m", Layer("a", (4,))), "lays out in another way")]
)
def test_layers_that_do_not_match_are_named(target: Nested, text: str) -> None:
    with pytest.raises(UnsupportedModelError, match=text) as caught:
        _copy_weights(Nested("m", Layer("a", (2, 2))), target)
    assert "'a'" in caught.value.subject
