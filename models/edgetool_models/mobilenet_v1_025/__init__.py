"""MobileNet v1 at a quarter of its width on 96x96 images: the model of MLPerf Tiny's visual wake words."""

from __future__ import annotations

import math
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keras import Model

__all__ = ["build"]

#: (filters, stride) of each depthwise separable block at alpha = 0.25: Howard et al. 2017, table 1, divided by four.
BLOCKS = (
    (16, 1),
    (32, 2),
    (32, 1),
    (64, 2),
    (64, 1),
    (128, 2),
    (128, 1),
    (128, 1),
    (128, 1),
    (128, 1),
    (128, 1),
    (256, 2),
    (256, 1),
)

#: Of moving averages: Keras' 0.99 lags behind the few hundred steps of an epoch. No weight depends on it.
MOMENTUM = 0.9

#: Deviation of depthwise kernels at first: He's, for the nine inputs of a filter. Keras' initializers count those of
#: all C channels: what comes out has a variance of 1 / C, where moving variances begin at 1, so that a short training
#: leaves no signal behind a few such layers. No weight's shape depends on it.
DEPTHWISE = math.sqrt(2 / 9)


def build(keras: ModuleType) -> Model:
    """Return the untrained model, 221,794 parameters, 7.5 M MACs.

    Convolutions have a bias beside their normalisation, as in `benchmark/training/visual_wake_words` of mlcommons/tiny.

    Args:
        keras: `keras` (Keras 3) or `tf_keras`; the definition serves both.

    Returns:
        A functional model: float32 `[N, 96, 96, 3]`, 0..1 -> softmax `[N, 2]`.
    """
    layers = keras.layers
    inputs = keras.Input((96, 96, 3), name="image")
    x = layers.Conv2D(8, 3, strides=2, padding="same", kernel_initializer="he_normal", name="stem_conv")(inputs)
    x = layers.BatchNormalization(momentum=MOMENTUM, name="stem_bn")(x)
    x = layers.ReLU(name="stem_relu")(x)
    for number, (filters, stride) in enumerate(BLOCKS, 1):
        name = f"block{number}"
        x = layers.DepthwiseConv2D(
            3,
            strides=stride,
            padding="same",
            depthwise_initializer=keras.initializers.RandomNormal(stddev=DEPTHWISE),
            name=f"{name}_depthwise",
        )(x)
        x = layers.BatchNormalization(momentum=MOMENTUM, name=f"{name}_depthwise_bn")(x)
        x = layers.ReLU(name=f"{name}_depthwise_relu")(x)
        x = layers.Conv2D(filters, 1, padding="same", kernel_initializer="he_normal", name=f"{name}_pointwise")(x)
        x = layers.BatchNormalization(momentum=MOMENTUM, name=f"{name}_pointwise_bn")(x)
        x = layers.ReLU(name=f"{name}_pointwise_relu")(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    outputs = layers.Dense(2, activation="softmax", name="classes")(x)
    return keras.Model(inputs, outputs, name="mobilenet_v1_025")
