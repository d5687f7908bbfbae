"""A small multilayer perceptron that tells malignant from benign tumours by measures of cell nuclei."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keras import Model

__all__ = ["build"]


def build(keras: ModuleType) -> Model:
    """Return the untrained model, 4,097 parameters.

    Args:
        keras: `keras` (Keras 3) or `tf_keras`; the definition serves both.

    Returns:
        A functional model: standardised float32 `[N, 30]` -> probability of a benign tumour `[N, 1]`.
    """
    layers = keras.layers
    inputs = keras.Input((30,), name="measures")
    x = layers.Dense(64, activation="relu", name="hidden1")(inputs)
    x = layers.Dropout(0.3, name="drop1")(x)
    x = layers.Dense(32, activation="relu", name="hidden2")(x)
    outputs = layers.Dense(1, activation="sigmoid", name="benign")(x)
    return keras.Model(inputs, outputs, name="breast_cancer_mlp")
