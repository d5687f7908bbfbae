"""Layers that work on text are refused by name."""

from __future__ import annotations

import pytest

from edgetool.errors import UnsupportedModelError
from edgetool.importers.keras3_preprocessing import function_of_layer, require_numbers


def layer_of(kind: str, module: str = "keras.src.layers", **attributes: object) -> object:
    return type(kind, (), {"__module__": module, "name": "codes", **attributes})()


@pytest.mark.parametrize("kind", ["Hashing", "HashedCrossing", "StringLookup", "TextVectorization"])
def test_layers_of_text_are_refused_with_what_to_do(kind: str) -> None:
    with pytest.raises(UnsupportedModelError, match=r"'codes': .*keras\.Model\(codes\.output, model\.output\)"):
        require_numbers(layer_of(kind))


def test_integers_that_are_hashed_are_refused() -> None:
    require_numbers(layer_of("IntegerLookup", num_oov_indices=2, oov_method="floormod"))
    with pytest.raises(UnsupportedModelError):
        require_numbers(layer_of("IntegerLookup", num_oov_indices=2, oov_method="farmhash"))


def test_layers_of_others_and_other_layers_are_left_alone() -> None:
    require_numbers(layer_of("Hashing", module="mine"))
    require_numbers(layer_of("Dense"))
    assert function_of_layer(layer_of("Resizing", module="mine")) is None
    assert function_of_layer(layer_of("Dense")) is None
