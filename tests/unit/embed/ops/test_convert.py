"""QUANTIZE, DEQUANTIZE and CAST."""

from __future__ import annotations

import pytest

from edgetool.embed.ops.convert import lower_convert
from edgetool.embed.program import Step
from edgetool.errors import UnsupportedModelError
from edgetool.ir.graph import Graph, Op, Quantization, Tensor

SCALES = {"int8": Quantization((0.5,), (-3,)), "int16": Quantization((0.25,), (0,))}


def _step(kind: str, source: str, result: str) -> Step:
    tensors = {name: Tensor(name, (1, 4), dtype, SCALES.get(dtype)) for name, dtype in (("x", source), ("y", result))}
    op = Op(kind, "y", ("x",), ("y",))
    return lower_convert(op, Graph("tflite", tensors, (op,), ("x",), ("y",)))


def test_the_scale_is_that_of_the_integers() -> None:
    for kind, source, result in (("QUANTIZE", "float32", "int8"), ("DEQUANTIZE", "int8", "float32")):
        fields = _step(kind, source, result).fields
        assert fields == {"num_elements": 4, "scale": 0.5, "zero": -3}


def test_from_int8_to_int8_is_a_table() -> None:
    assert _step("QUANTIZE", "int8", "int8").kernel == "table_s8"


def test_others_are_refused_with_what_there_is() -> None:
    with pytest.raises(UnsupportedModelError, match="int64 to bool, expected bool to float32, bool to int32"):
        _step("CAST", "int64", "bool")


def test_16_bits_are_rescaled() -> None:
    assert _step("QUANTIZE", "int16", "int16").kernel == "slopes_s16"
    step = _step("QUANTIZE", "int16", "int8")
    assert step.kernel == "quantize_s16_s8"
    assert step.fields == {"num_elements": 4, "in_zero": 0, "multiplier": 1 << 30, "shift": 0, "out_zero": -3}
