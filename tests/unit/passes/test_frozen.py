"""A finished graph has the formats that it has."""

from __future__ import annotations

import pytest

from edgetool.errors import UnsupportedModelError
from edgetool.passes.frozen import FloatGraph, FrozenModel

FROZEN = FrozenModel("net", "an ONNX file", (), (), (FloatGraph("onnx", lambda: b"graph"),), "give the Keras model")


def test_its_format_is_loaded() -> None:
    assert FROZEN.content("onnx") == b"graph"


def test_another_format_is_refused_with_what_to_give() -> None:
    with pytest.raises(UnsupportedModelError, match="cannot become tflite") as caught:
        FROZEN.content("tflite")
    assert caught.value.next_step == "give the Keras model" and "onnx" in caught.value.expected
