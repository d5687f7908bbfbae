"""A one-dimensional CNN that names the kind of a heartbeat."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keras import Model

__all__ = ["build"]


def build(keras: ModuleType) -> Model:
    """Return the untrained model, 6,229 parameters.

    Args:
        keras: `keras` (Keras 3) or `tf_keras`; the definition serves both.

    Returns:
        A functional model: float32 `[N, 140, 1]`, each beat of mean 0 and standard deviation 1 -> softmax `[N, 5]`.
    """
    layers = keras.layers
    inputs = keras.Input((140, 1), name="beat")
    x = inputs
    for number, (filters, width) in enumerate(((16, 7), (32, 5), (32, 3)), 1):
        x = layers.Conv1D(filters, width, padding="same", use_bias=False, name=f"conv{number}")(x)
        x = layers.BatchNormalization(momentum=0.9, name=f"norm{number}")(x)
        x = layers.ReLU(name=f"relu{number}")(x)
        x = layers.MaxPooling1D(2, name=f"pool{number}")(x)
    x = layers.GlobalAveragePooling1D(name="mean")(x)
    x = layers.Dropout(0.3, name="drop")(x)
    outputs = layers.Dense(5, activation="softmax", name="classes")(x)
    return keras.Model(inputs, outputs, name="ecg_cnn1d")
