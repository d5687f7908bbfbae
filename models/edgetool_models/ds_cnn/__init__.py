"""DS-CNN of MLPerf Tiny's keyword spotting: one convolution, four depthwise separable ones, on MFCCs of a second."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keras import KerasTensor, Model

__all__ = ["build"]

NUM_BLOCKS = 4
FILTERS = 64

#: Of moving averages: Keras' 0.99 lags behind the few hundred steps of an epoch. No weight depends on it.
MOMENTUM = 0.9


def build(keras: ModuleType, num_classes: int = 10) -> Model:
    """Return the untrained model, 2.7 M MACs.

    Layers and kernels are those of `benchmark/training/keyword_spotting` in mlcommons/tiny, which has 12 classes.

    Args:
        keras: `keras` (Keras 3) or `tf_keras`; the definition serves both.
        num_classes: ten digits here.

    Returns:
        A functional model: float32 `[N, 49, 10, 1]` MFCCs -> softmax `[N, num_classes]`.
    """
    layers = keras.layers
    inputs = keras.Input((49, 10, 1), name="mfcc")
    x = layers.Conv2D(FILTERS, (10, 4), strides=2, padding="same", name="stem_conv")(inputs)
    x = _normalised(keras, x, "stem")
    x = layers.Dropout(0.2, name="stem_dropout")(x)
    for number in range(1, NUM_BLOCKS + 1):
        name = f"block{number}"
        x = layers.DepthwiseConv2D(3, padding="same", name=f"{name}_depthwise")(x)
        x = _normalised(keras, x, f"{name}_depthwise")
        x = layers.Conv2D(FILTERS, 1, padding="same", name=f"{name}_pointwise")(x)
        x = _normalised(keras, x, f"{name}_pointwise")
    x = layers.Dropout(0.4, name="dropout")(x)
    x = layers.AveragePooling2D((25, 5), name="pool")(x)
    x = layers.Flatten(name="flatten")(x)
    outputs = layers.Dense(num_classes, activation="softmax", name="classes")(x)
    return keras.Model(inputs, outputs, name="ds_cnn")


def _normalised(keras: ModuleType, x: KerasTensor, name: str) -> KerasTensor:
    x = keras.layers.BatchNormalization(momentum=MOMENTUM, name=f"{name}_bn")(x)
    return keras.layers.Activation("relu", name=f"{name}_relu")(x)
