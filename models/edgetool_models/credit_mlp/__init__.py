"""A small multilayer perceptron for credit default risk on a table with categories one-hot."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keras import Model

__all__ = ["build"]


def build(keras: ModuleType) -> Model:
    """Return the untrained model, 7,105 parameters.

    Args:
        keras: `keras` (Keras 3) or `tf_keras`; the definition serves both.

    Returns:
        A functional model: float32 `[N, 77]`, numbers standardised and indicators 0 or 1 -> probability `[N, 1]`.
    """
    layers = keras.layers
    inputs = keras.Input((77,), name="features")
    x = layers.Dense(64, activation="relu", name="hidden1")(inputs)
    x = layers.Dropout(0.3, name="drop1")(x)
    x = layers.Dense(32, activation="relu", name="hidden2")(x)
    x = layers.Dropout(0.3, name="drop2")(x)
    outputs = layers.Dense(1, activation="sigmoid", name="default")(x)
    return keras.Model(inputs, outputs, name="credit_mlp")
