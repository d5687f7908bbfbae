"""Real factors as an integer multiplier and a power of two, as LiteRT's integer kernels take them.

Source: `QuantizeMultiplier` in tflite/kernels/internal/quantization_util.cc; factors are computed in the same types.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from edgetool.data.dataset import Array
from edgetool.ir.graph import Quantization

__all__ = [
    "RANGES",
    "activation_range",
    "channel_factors",
    "float_factor",
    "layer_factors",
    "quantize_multiplier",
    "quantize_multipliers",
]

#: Smallest and largest value of integer types.
RANGES = {"int8": (-128, 127), "int16": (-32768, 32767)}


def quantize_multiplier(factor: float) -> tuple[int, int]:
    """Return `(multiplier, shift)` with `factor = multiplier * 2 ** (shift - 31)`; 2**30 <= multiplier < 2**31.

    A factor below 2**-32 becomes zero.
    """
    if factor == 0.0:
        return 0, 0
    mantissa, shift = math.frexp(factor)
    multiplier = math.floor(mantissa * (1 << 31) + 0.5)
    if multiplier == 1 << 31:
        multiplier //= 2
        shift += 1
    return (0, 0) if shift < -31 else (multiplier, shift)


def quantize_multipliers(factors: Sequence[float]) -> tuple[Array, Array]:
    """Return the multipliers int32 `[N]` and shifts int8 `[N]` of several factors."""
    pairs = [quantize_multiplier(factor) for factor in factors]
    return np.array([m for m, _ in pairs], np.int32), np.array([s for _, s in pairs], np.int8)


def float_factor(first: float, second: float, result: float) -> float:
    """Return `first * second / result` as LiteRT computes it where it does not widen scales: each step in float32."""
    return float(np.float32(first) * np.float32(second) / np.float32(result))


def channel_factors(source: Quantization, kernel: Quantization, result: Quantization, num_channels: int) -> list[float]:
    """Return what turns an accumulator of each output channel into steps of the result.

    Scales are float32 in the file and are multiplied as doubles (`PopulateConvolutionQuantizationParams`).
    """
    scales = kernel.scale if len(kernel.scale) == num_channels else kernel.scale[:1] * num_channels
    return [float(source.scale[0]) * float(scale) / float(result.scale[0]) for scale in scales]


def layer_factors(
    source: Quantization, kernel: Quantization, result: Quantization, num_channels: int, *, single: bool
) -> list[float]:
    """Return the factor of each output channel; if `single`, the product of the two scales is a float32 first.

    LiteRT does so where a kernel has one factor for all channels: fully connected layers, and convolutions of uint8.
    Source: `GetQuantizedConvolutionMultipler` in tflite/kernels/kernel_util.cc.
    """
    if not single:
        return channel_factors(source, kernel, result, num_channels)
    product = float(np.float32(source.scale[0]) * np.float32(kernel.scale[0]))
    return [product / float(result.scale[0])] * num_channels


def activation_range(kind: str, result: Quantization, dtype: str) -> tuple[int, int]:
    """Return the smallest and largest stored value that a fused activation lets through.

    Source: `CalculateActivationRangeQuantized` in tflite/kernels/kernel_util.cc.

    Raises:
        KeyError: an activation that integer kernels do not have.
    """
    low, high = RANGES[dtype]
    bounds: dict[str, tuple[float | None, float | None]] = {
        "NONE": (None, None),
        "RELU": (0.0, None),
        "RELU6": (0.0, 6.0),
        "RELU_N1_TO_1": (-1.0, 1.0),
    }
    below, above = (None if bound is None else _stored(bound, result) for bound in bounds[kind])
    return max(low, low if below is None else below), min(high, high if above is None else above)


def _stored(value: float, quantization: Quantization) -> int:
    steps = np.float32(value) / np.float32(quantization.scale[0])
    return quantization.zero_point[0] + int(math.floor(abs(float(steps)) + 0.5) * (1 if steps >= 0 else -1))
