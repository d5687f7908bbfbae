"""Passes that only state how the exporters are to quantise."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgetool.data.dataset import Dataset, Split
from edgetool.errors import PassError, RecipeError
from edgetool.invariants import NumClusters
from edgetool.passes.base import Context, ModelState, QuantizationScheme, TrainingSettings
from edgetool.passes.quantize import QuantizeDynamic, QuantizeFloat16, QuantizeStatic


class Variable:
    shape = (8, 4)

    def numpy(self) -> Any:
        return np.eye(8, 4, dtype=np.float32)


class Layer:
    name, kernel = "dense", Variable()


class Model:
    layers = (Layer(),)
    inputs = outputs = ()


STATE = ModelState(Model())
CLUSTERED = dataclasses.replace(STATE, invariants=(NumClusters("dense", 2, (8, 4)),))


def context(*, with_data: bool = True) -> Context:
    train = Split("train", (np.zeros((4, 8), np.float32),), None) if with_data else None
    return Context(Dataset("d", train, None, None), TrainingSettings(), 0, Path(), lambda what, done, total: None)


@pytest.mark.parametrize(
    ("work", "scheme"),
    [
        (QuantizeFloat16(), QuantizationScheme.of(mode="float16")),
        (QuantizeDynamic(), QuantizationScheme.of(mode="dynamic")),
        (QuantizeStatic(), QuantizationScheme.of(mode="static", activations="int8")),
        (
            QuantizeStatic({"activations": "int16", "num_calibration_samples": 20}),
            QuantizationScheme.of(mode="static", activations="int16", num_calibration_samples=20),
        ),
        (
            QuantizeStatic({"integer_only": True}),
            QuantizationScheme.of(mode="static", activations="int8", integer_only=True),
        ),
    ],
)
def test_schemes(work: Any, scheme: QuantizationScheme) -> None:
    result = work.run(STATE, context())
    assert result.state.quantization == scheme and result.modified
    assert result.facts["mode"] == scheme.mode
    assert result.facts.get("integer_only", False) is scheme.integer_only
    assert result.state.model is STATE.model, "weights are left to the exporters"
    with pytest.raises(PassError, match="already quantised"):
        work.run(result.state, context())


@pytest.mark.parametrize("work", [QuantizeDynamic(), QuantizeStatic()])
def test_clusters_get_one_scale_a_tensor(work: Any) -> None:
    assert work.run(STATE, context()).state.quantization.per_channel is True
    assert work.run(CLUSTERED, context()).state.quantization.per_channel is False


def test_calibration_needs_samples() -> None:
    with pytest.raises(PassError, match="neither a training nor a validation split"):
        QuantizeStatic().run(STATE, context(with_data=False))
    with pytest.raises(RecipeError, match="num_calibration_samples"):
        QuantizeStatic({"num_calibration_samples": 0}).run(STATE, context())
    QuantizeDynamic().run(STATE, context(with_data=False))
