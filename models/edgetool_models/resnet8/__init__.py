"""ResNet-8 of MLPerf Tiny's image classification: three residual stages of 16, 32 and 64 filters."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keras import KerasTensor, Model

__all__ = ["build"]

FILTERS = (16, 32, 64)

#: Of moving averages: Keras' 0.99 lags behind the few hundred steps of an epoch. No weight depends on it.
MOMENTUM = 0.9


def build(keras: ModuleType) -> Model:
    """Return the untrained model, 78,666 parameters, 12.5 M MACs.

    Layers and their order are those of `benchmark/training/image_classification` in mlcommons/tiny, so that its
    published weights load by order.

    Args:
        keras: `keras` (Keras 3) or `tf_keras`; the definition serves both.

    Returns:
        A functional model: float32 `[N, 32, 32, 3]`, raw 0..255 -> softmax `[N, 10]`.
    """
    layers = keras.layers
    inputs = keras.Input((32, 32, 3), name="image")
    x = _convolution(keras, inputs, FILTERS[0], 3, 1, "stem")
    x = _normalisation(keras, x, "stem")
    x = layers.Activation("relu", name="stem_relu")(x)
    for number, filters in enumerate(FILTERS, 1):
        x = _block(keras, x, filters, f"block{number}", stride=1 if number == 1 else 2)
    x = layers.AveragePooling2D(8, name="pool")(x)
    x = layers.Flatten(name="flatten")(x)
    outputs = layers.Dense(10, activation="softmax", kernel_initializer="he_normal", name="classes")(x)
    return keras.Model(inputs, outputs, name="resnet8")


def _block(keras: ModuleType, x: KerasTensor, filters: int, name: str, *, stride: int) -> KerasTensor:
    """Return relu(F(x) + x); the shortcut is a 1x1 convolution where the shape changes."""
    layers = keras.layers
    y = _convolution(keras, x, filters, 3, stride, f"{name}_a")
    y = _normalisation(keras, y, f"{name}_a")
    y = layers.Activation("relu", name=f"{name}_a_relu")(y)
    y = _convolution(keras, y, filters, 3, 1, f"{name}_b")
    shortcut = x if stride == 1 else _convolution(keras, x, filters, 1, stride, f"{name}_shortcut")
    y = _normalisation(keras, y, f"{name}_b")
    y = layers.Add(name=f"{name}_add")([shortcut, y])
    return layers.Activation("relu", name=f"{name}_relu")(y)


def _convolution(keras: ModuleType, x: KerasTensor, filters: int, size: int, stride: int, name: str) -> KerasTensor:
    return keras.layers.Conv2D(
        filters, size, strides=stride, padding="same", kernel_initializer="he_normal", name=f"{name}_conv"
    )(x)


def _normalisation(keras: ModuleType, x: KerasTensor, name: str) -> KerasTensor:
    return keras.layers.BatchNormalization(momentum=MOMENTUM, name=f"{name}_bn")(x)
