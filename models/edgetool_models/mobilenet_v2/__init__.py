"""MobileNet v2 at 0.35 of its width on 32x32 images: inverted residuals, linear bottlenecks, ReLU6."""

from __future__ import annotations

import math
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keras import KerasTensor, Model

__all__ = ["build"]

ALPHA = 0.35

#: (expansion, channels, repeats, stride) of each stage: Sandler et al. 2018, table 2. The published strides fit 224x224
#: images; at 32x32 the stem and the stage of 160 channels keep the size, so that 4x4 are left at the end, not 1x1.
STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 1), (6, 320, 1, 1))

#: Features of the last convolution: 1,280 in the paper for any alpha below 1, a quarter here, for ten classes.
LAST = 320

#: Of moving averages: Keras' 0.99 lags behind the few hundred steps of an epoch. No weight depends on it.
MOMENTUM = 0.9

#: Deviation of depthwise kernels at first: He's, for the nine inputs of a filter. Keras' initializers count those of
#: all C channels: what comes out has a variance of 1 / C, where moving variances begin at 1, so that a short training
#: leaves no signal behind a few such layers. No weight's shape depends on it.
DEPTHWISE = math.sqrt(2 / 9)


def build(keras: ModuleType) -> Model:
    """Return the untrained model.

    Args:
        keras: `keras` (Keras 3) or `tf_keras`; the definition serves both.

    Returns:
        A functional model: float32 `[N, 32, 32, 3]`, 0..1 -> softmax `[N, 10]`.
    """
    layers = keras.layers
    inputs = keras.Input((32, 32, 3), name="image")
    x = layers.Conv2D(_width(32), 3, padding="same", use_bias=False, name="stem_conv")(inputs)
    x = _normalised(keras, x, "stem")
    number = 0
    for expansion, channels, repeats, stride in STAGES:
        for repeat in range(repeats):
            number += 1
            x = _block(keras, x, expansion, _width(channels), f"block{number}", stride=stride if repeat == 0 else 1)
    x = layers.Conv2D(LAST, 1, use_bias=False, name="last_conv")(x)
    x = _normalised(keras, x, "last")
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    outputs = layers.Dense(10, activation="softmax", name="classes")(x)
    return keras.Model(inputs, outputs, name="mobilenet_v2")


def _width(channels: int) -> int:
    """Return `ALPHA` of the channels as a multiple of 8, at least 8, and never less than nine tenths of it."""
    wanted = ALPHA * channels
    rounded = max(8, int(wanted + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * wanted else rounded + 8


def _block(keras: ModuleType, x: KerasTensor, expansion: int, channels: int, name: str, *, stride: int) -> KerasTensor:
    """Expand, filter each channel, project without activation; add the input where the shape is the same."""
    layers = keras.layers
    given = x
    if expansion > 1:
        x = layers.Conv2D(expansion * int(x.shape[-1]), 1, use_bias=False, name=f"{name}_expand_conv")(x)
        x = _normalised(keras, x, f"{name}_expand")
    x = layers.DepthwiseConv2D(
        3,
        strides=stride,
        padding="same",
        use_bias=False,
        depthwise_initializer=keras.initializers.RandomNormal(stddev=DEPTHWISE),
        name=f"{name}_depthwise_conv",
    )(x)
    x = _normalised(keras, x, f"{name}_depthwise")
    x = layers.Conv2D(channels, 1, use_bias=False, name=f"{name}_project_conv")(x)
    x = layers.BatchNormalization(momentum=MOMENTUM, name=f"{name}_project_bn")(x)
    if stride == 1 and int(given.shape[-1]) == channels:
        x = layers.Add(name=f"{name}_add")([given, x])
    return x


def _normalised(keras: ModuleType, x: KerasTensor, name: str) -> KerasTensor:
    x = keras.layers.BatchNormalization(momentum=MOMENTUM, name=f"{name}_bn")(x)
    return keras.layers.ReLU(6.0, name=f"{name}_relu6")(x)
