"""Choose among quantised ONNX models the one whose outputs are nearest to the float model's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from edgetool.data.dataset import Array, Split
from edgetool.exporters.onnx.quantize.calibrate import run_activations

if TYPE_CHECKING:
    from onnx import ModelProto

__all__ = ["nearest_to"]

#: Calibration samples that the candidates are compared on.
NUM_SAMPLES = 100


def nearest_to(
    source: ModelProto, candidates: Sequence[ModelProto], samples: Split, input_names: list[str]
) -> ModelProto:
    """Return the candidate with the least noise in its outputs, each output as a share of its own power.

    Args:
        source: float `ModelProto`.
        candidates: quantised `ModelProto`s of the same inputs and outputs; the first of equals is taken.
        samples: calibration samples.
        input_names: the graph's inputs, in the order of `samples.inputs`.
    """
    wanted = _float_outputs(source)
    if len(candidates) == 1 or not wanted:
        return candidates[0]
    chosen = samples.take(NUM_SAMPLES)
    noises = []
    for candidate in candidates:
        try:
            noises.append(_noise(source, candidate, chosen, input_names, wanted))
        except Exception:  # noqa: BLE001 - whatever onnxruntime raises on a candidate, `check_model` says it of the file
            noises.append(math.inf)
    return candidates[noises.index(min(noises))]


def _noise(
    source: ModelProto, candidate: ModelProto, samples: Split, input_names: list[str], wanted: list[str]
) -> float:
    """Return the sum over the outputs of noise power over signal power; infinite where there is NaN."""
    signal, noise = dict.fromkeys(wanted, 0.0), dict.fromkeys(wanted, 0.0)
    pairs = zip(
        run_activations(source, samples, input_names, wanted),
        run_activations(candidate, samples, input_names, wanted),
        strict=True,
    )
    for expected, got in pairs:
        for name in expected:
            signal[name] += _power(expected[name])
            noise[name] += _power(got[name].astype(np.float64) - expected[name])
    total = sum(noise[name] / signal[name] if signal[name] else noise[name] for name in wanted)
    return total if math.isfinite(total) else math.inf


def _power(values: Array) -> float:
    return float((values.astype(np.float64) ** 2).sum())


def _float_outputs(model: ModelProto) -> list[str]:
    """Return the outputs of the graph that nodes make in float32."""
    import onnx

    made = {name for node in model.graph.node for name in node.output}
    return [
        value.name
        for value in model.graph.output
        if value.name in made and value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    ]
