"""What is left out of a model that augments its samples, and how configurations are written for tf_keras."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from edgetool.importers.keras3_layers import _plain, does_nothing


def layer_of(name: str, module: str = "keras.src.layers") -> object:
    return type(name, (), {"__module__": module})()


def node_of(given: tuple[int | None, ...], made: tuple[int | None, ...]) -> object:
    tensors = [SimpleNamespace(shape=shape, dtype="float32") for shape in (given, made)]
    return SimpleNamespace(input_tensors=tensors[:1], outputs=tensors[1:])


@pytest.mark.parametrize(
    ("name", "module", "expected"),
    [
        ("RandomFlip", "keras.src.layers", True),
        ("RandomCrop", "keras.src.layers", False),
        ("AugMix", "keras.src.layers", True),
        ("Dense", "keras.src.layers", False),
        ("RandomFlip", "mine", False),
    ],
)
def test_augmentation_does_nothing_once_a_model_is_trained(name: str, module: str, expected: bool) -> None:
    assert does_nothing(layer_of(name, module), node_of((None, 4), (None, 4))) is expected


def test_a_layer_that_changes_shapes_does_something() -> None:
    assert not does_nothing(layer_of("RandomFlip"), node_of((None, 4), (None, 2)))


def test_values_as_constructors_want_them() -> None:
    assert _plain([[1, 2], [3, 4]]) == ((1, 2), (3, 4))
    assert _plain({"module": "builtins", "class_name": "function", "config": "gelu"}) == "gelu"
    assert _plain({"rate": 1}) == {"rate": 1}
