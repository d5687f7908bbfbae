"""Advice names the cause, and never the recipe that has just failed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgetool.errors import InterpreterCrashError, ParityError
from edgetool.passes.base import ModelState, QuantizationScheme
from edgetool.pipeline import cause
from edgetool.pipeline.cause import Cause, find_cause, in_words, refuse
from edgetool.recipes.recipe import find_recipe
from edgetool.records import ParityRecord, Tolerance
from edgetool.verify.layer_loss import LayerLoss, LossReport, LostColumn

LAYER = LayerLoss("wild", "CONV_2D", 38.0, -1.0, 3, 14_277.4)
RECORD = ParityRecord(
    "source",
    "a.tflite",
    "quantized",
    "val",
    9,
    0.5,
    1.0,
    (2.0,),
    None,
    Tolerance(min_sqnr_db=10.0),
    False,
    reason="SQNR 2.0 dB",
)


def test_the_layer_is_named_with_figures() -> None:
    words = in_words(LossReport(2.0, (), LAYER), "do this", trains=True)
    assert words.next_step == "do this"
    assert "layer wild (CONV_2D), from 38 to -1 dB" in words.found
    assert "channel 3 reaches 14,277 times" in words.found


def test_columns_come_before_the_layers_that_suffer_from_them() -> None:
    columns = tuple(LostColumn("table", index, 0.05, 0, 2000.0) for index in range(1, 8))
    words = in_words(LossReport(2.0, columns, LAYER), "do this", trains=False)
    assert "input table: columns 1, 2, 3, 4 and 3 more are lost beside column 0, which reaches 2000" in words.found
    assert "--mean and --std" in words.next_step and "wild" not in words.found


def test_where_quantising_is_not_the_cause_it_says_so() -> None:
    words = in_words(LossReport(28.0, (), LAYER), "do this", trains=True)
    assert "quantising is not the cause" in words.found and "--effort" in words.next_step
    assert "wild" in in_words(LossReport(28.0, (), LAYER), "do this", trains=False).found


@pytest.mark.parametrize(
    ("recipe", "scheme"),
    [
        ("w8a8_static", QuantizationScheme.of("static", "int8")),
        ("w8a16_static", QuantizationScheme.of("static", "int16")),
        ("w8_dynamic", QuantizationScheme.of("dynamic")),
    ],
)
def test_advice_is_another_recipe(
    recipe: str, scheme: QuantizationScheme, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*arguments: Any, **named: Any) -> Any:
        raise InterpreterCrashError("a", found="died", expected="to live", next_step="none")

    monkeypatch.setattr(cause, "load_exporter", lambda name: lambda *arguments: None)
    monkeypatch.setattr(cause, "call_function", dies)
    context: Any = None
    inputs = (np.zeros((4, 2), np.float32),)
    found = find_cause(ModelState(None, scheme), "tflite", tmp_path / "a.tflite", context, inputs, find_recipe(recipe))
    assert found.found == ""  # what was looked for is missing, and hides nothing
    assert recipe not in found.next_step and found.next_step


def test_the_refusal_holds_the_cause() -> None:
    with pytest.raises(ParityError, match=r"SQNR 2\.0 dB; largest deviation .*; the layer") as error:
        refuse(RECORD, Cause("the layer", "do this"))
    assert error.value.next_step == "do this; --tolerance allows a larger error"


def test_floats_are_refused_in_the_usual_words(tmp_path: Path) -> None:
    context: Any = None
    found = find_cause(ModelState(None), "onnx", tmp_path / "a.onnx", context, (), find_recipe("float32"))
    assert found == Cause("", "")
    with pytest.raises(ParityError, match=r"SQNR 2\.0 dB") as error:
        refuse(RECORD, found)
    assert "export the model again" in error.value.next_step
