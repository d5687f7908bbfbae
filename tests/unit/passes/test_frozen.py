"""A finished graph has the formats that it has."""

from __future__ import annotations

import pytest

from edgetool.errors import MissingDependencyError, UnsupportedModelError
from edgetool.passes.frozen import FloatGraph, FrozenModel

FROZEN = FrozenModel("net", "an ONNX file", (), (), (FloatGraph("onnx", lambda: b"graph"),), "give the Keras model")


def test_its_format_is_loaded() -> None:
    assert FROZEN.content("onnx") == b"graph"


def test_another_format_is_refused_with_what_to_give() -> None:
    with pytest.raises(UnsupportedModelError, match="cannot become tflite") as caught:
        FROZEN.content("tflite")
    assert caught.value.next_step == "give the Keras model" and "onnx" in caught.value.expected


def test_what_is_not_installed_is_told_without_converting() -> None:
    def missing() -> bytes:
        raise MissingDependencyError("net", found="no converter", expected="one", next_step="pip install it")

    model = FrozenModel("net", "a program", (), (), (FloatGraph("tflite", missing, is_possible=False),), "train it")
    refusal = model.refusal("tflite")
    assert isinstance(refusal, MissingDependencyError) and refusal.next_step == "pip install it"
    assert isinstance(model.refusal("onnx"), UnsupportedModelError)
    assert FROZEN.refusal("onnx") is None
