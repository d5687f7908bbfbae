"""Operators of one 16-bit value; what they compute is tests/integration's."""

from __future__ import annotations

import numpy as np
import pytest

from edgetool.embed.arithmetic.rescale import quantize_multiplier
from edgetool.embed.ops.wide_unary import lower_wide_unary
from edgetool.embed.program import Step
from edgetool.errors import UnsupportedModelError
from edgetool.ir.graph import Graph, Op, Quantization, Tensor


def _step(kind: str, scale: float, other: float, *, zero: int = 0, **attributes: float) -> Step:
    tensors = {
        "x": Tensor("x", (1, 4), "int16", Quantization((scale,), (zero,))),
        "y": Tensor("y", (1, 4), "int16", Quantization((other,), (0,))),
    }
    op = Op(kind, "y", ("x",), ("y",), dict(attributes))
    return lower_wide_unary(op, Graph("tflite", tensors, (op,), ("x",), ("y",)))


def test_lines_have_a_factor_on_each_side() -> None:
    leaky = _step("LEAKY_RELU", 0.5, 1.0, alpha=0.25)
    assert leaky.kernel == "slopes_s16" and leaky.overwrites == (0,)
    names = ("multiplier", "shift", "multiplier_below", "shift_below", "low", "high")
    assert [leaky.fields[name] for name in names] == [1 << 30, 0, 1 << 30, -2, -32768, 32767]
    assert _step("ABS", 0.5, 1.0).fields["multiplier_below"] == -(1 << 30)
    assert _step("RELU6", 0.5, 1.0).fields["low"] == 0 and _step("RELU6", 0.5, 1.0).fields["high"] == 6


def test_scales_are_divided_in_single_precision_but_for_quantize() -> None:
    given, made = float(np.float32(1e-3)), float(np.float32(0.7e-3))
    assert _step("QUANTIZE", given, made).fields["multiplier"] == quantize_multiplier(given / made)[0]
    single = quantize_multiplier(float(np.float32(given) / np.float32(made)))[0]
    assert single == _step("RELU", given, made).fields["multiplier"] != quantize_multiplier(given / made)[0]


@pytest.mark.parametrize(
    ("kind", "scale", "expected"),
    [
        ("TANH", 2.0**-12, (3, 0)),
        ("TANH", 2.0**-11, (6, 0)),
        ("LOGISTIC", 2.0**-11, (24576, 12)),
        ("TANH", 1.0, (24576, 1)),
    ],
)
def test_a_sigmoid_counts_in_steps_of_its_table(kind: str, scale: float, expected: tuple[int, int]) -> None:
    step = _step(kind, scale, 1 / 32768)
    assert step.kernel == f"{kind.lower()}_s16" and (step.fields["multiplier"], step.fields["shift"]) == expected


def test_a_function_has_a_table_to_be_filled() -> None:
    step = _step("RSQRT", 0.5, 0.5)
    table = step.fields["table"]
    assert step.kernel == "interpolate_s16" and step.fields["lowest"] == 0
    assert isinstance(table, np.ndarray) and table.shape == (0,)
    assert _step("GELU", 0.5, 0.5).fields["lowest"] == -32768


def test_what_litert_cannot_is_refused() -> None:
    with pytest.raises(
        UnsupportedModelError, match=r"y \(HARD_SWISH\).*one of ABS, EXP, .*--runtime array, tflm or linux"
    ):
        _step("HARD_SWISH", 0.5, 0.5)
    with pytest.raises(UnsupportedModelError, match="x with zero point 3"):
        _step("RELU", 0.5, 0.5, zero=3)
    with pytest.raises(UnsupportedModelError, match=r"output of scale 0\.5, expected 1/32768"):
        _step("TANH", 0.5, 0.5)
    with pytest.raises(UnsupportedModelError, match="input of scale 10"):
        _step("TANH", 10.0, 1 / 32768)
