"""FULLY_CONNECTED."""

from __future__ import annotations

import numpy as np
import pytest

from edgetool.embed.arithmetic.rescale import quantize_multiplier
from edgetool.embed.ops.fully_connected import lower_fully_connected
from edgetool.errors import UnsupportedModelError
from edgetool.ir.graph import Graph, Op, Quantization, Tensor

WEIGHTS = np.array([[1, 2], [-3, 4], [5, -6]], np.int8)


def _graph(kernel: Quantization) -> tuple[Op, Graph]:
    tensors = [
        Tensor("x", (1, 2), "int8", Quantization((0.1,), (7,))),
        Tensor("w", (3, 2), "int8", kernel, WEIGHTS),
        Tensor("y", (1, 3), "int8", Quantization((0.3,), (0,))),
    ]
    op = Op("FULLY_CONNECTED", "y", ("x", "w"), ("y",), {"fused_activation_function": "RELU"})
    return op, Graph("tflite", {tensor.name: tensor for tensor in tensors}, (op,), ("x",), ("y",))


def test_one_scale_is_multiplied_in_float32() -> None:
    step = lower_fully_connected(*_graph(Quantization((0.7,), (0,))))
    product = float(np.float32(0.1) * np.float32(0.7))
    multipliers, biases = step.fields["multipliers"], step.fields["biases"]
    assert isinstance(multipliers, np.ndarray) and isinstance(biases, np.ndarray)
    assert multipliers.tolist() == [quantize_multiplier(product / 0.3)[0]]
    assert step.fields["scale_step"] == 0
    assert biases.tolist() == [-21, -7, 7] and step.fields["low"] == 0


def test_channels_may_have_scales_of_their_own_but_one_zero_point() -> None:
    step = lower_fully_connected(*_graph(Quantization((0.7, 0.5, 0.2), (0, 0, 0))))
    multipliers = step.fields["multipliers"]
    assert isinstance(multipliers, np.ndarray) and len(set(multipliers.tolist())) == 3
    with pytest.raises(UnsupportedModelError, match="several zero points"):
        lower_fully_connected(*_graph(Quantization((0.7, 0.5, 0.2), (3, 0, 0))))


def test_a_zero_point_of_the_weights_is_taken_off_where_they_stay_bytes() -> None:
    """Else a kernel takes it off each sum; either way it is in the biases, which are 0 for inputs at their zero."""
    step = lower_fully_connected(*_graph(Quantization((0.7,), (3,))))
    weights, biases = step.fields["weights"], step.fields["biases"]
    assert step.kernel == "fully_connected_s8"
    assert isinstance(weights, np.ndarray) and weights.tolist() == (WEIGHTS - 3).tolist()
    assert isinstance(biases, np.ndarray) and biases.tolist() == (-7 * (WEIGHTS - 3).sum(axis=1)).tolist()
    step = lower_fully_connected(*_graph(Quantization((0.7,), (-125,))))
    layer = step.fields["layer"]
    assert step.kernel == "fully_connected_offset_s8" and step.fields["weight_zero"] == -125
    assert isinstance(layer, dict) and isinstance(layer["biases"], np.ndarray)
    assert layer["biases"].tolist() == (-7 * (WEIGHTS.astype(int) + 125).sum(axis=1)).tolist()
