"""The autoencoder of MLPerf Tiny's anomaly detection: dense layers 640-128x4-8-128x4-640 with batch normalisation."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keras import Model

__all__ = ["build"]

FEATURES = 640
UNITS = (128, 128, 128, 128, 8, 128, 128, 128, 128)


def build(keras: ModuleType) -> Model:
    """Return the untrained model, 269,992 parameters, 264,192 MACs.

    Layers and their order are those of `benchmark/training/anomaly_detection` in mlcommons/tiny, so that its published
    weights load by order.

    Args:
        keras: `keras` (Keras 3) or `tf_keras`; the definition serves both.

    Returns:
        A functional model: float32 `[N, 640]`, five frames of 128 log-mel values -> the same, float32 `[N, 640]`.
    """
    layers = keras.layers
    inputs = keras.Input((FEATURES,), name="frames")
    x = inputs
    for number, units in enumerate(UNITS, 1):
        x = layers.Dense(units, name=f"dense{number}")(x)
        x = layers.BatchNormalization(momentum=0.9, name=f"bn{number}")(x)
        x = layers.Activation("relu", name=f"relu{number}")(x)
    outputs = layers.Dense(FEATURES, name="reconstruction")(x)
    return keras.Model(inputs, outputs, name="toycar_autoencoder")
