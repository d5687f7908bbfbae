"""A small CNN that finds pneumonia in chest X-rays of 28x28 pixels."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keras import Model

__all__ = ["build"]


def build(keras: ModuleType) -> Model:
    """Return the untrained model, 23,697 parameters.

    Args:
        keras: `keras` (Keras 3) or `tf_keras`; the definition serves both.

    Returns:
        A functional model: float32 `[N, 28, 28, 1]`, 0..1 -> probability of pneumonia `[N, 1]`.
    """
    layers = keras.layers
    inputs = keras.Input((28, 28, 1), name="image")
    x = inputs
    for number, filters in enumerate((16, 32, 64), 1):
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False, name=f"conv{number}")(x)
        x = layers.BatchNormalization(momentum=0.9, name=f"norm{number}")(x)
        x = layers.ReLU(name=f"relu{number}")(x)
        x = layers.MaxPooling2D(2, name=f"pool{number}")(x)
    x = layers.GlobalAveragePooling2D(name="mean")(x)
    x = layers.Dropout(0.3, name="drop")(x)
    outputs = layers.Dense(1, activation="sigmoid", name="pneumonia")(x)
    return keras.Model(inputs, outputs, name="xray_cnn")
