"""A GRU over the last 24 hours of traffic that tells the next hour's volume."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keras import Model

__all__ = ["build"]

#: Hours of history, and what is known of each (`edgetool.data.sets.traffic_i94.FEATURES`).
WINDOW = 24
NUM_FEATURES = 11

#: About the deviation and the mean of the volume in vehicles/h, so that the layers before work with numbers around 1.
SCALE = 2000.0
OFFSET = 3300.0


def build(keras: ModuleType) -> Model:
    """Return the untrained model, 5,409 parameters.

    The steps are unrolled: TFLite has no GRU, and a loop keeps its body in float.

    Args:
        keras: `keras` (Keras 3) or `tf_keras`; the definition serves both.

    Returns:
        A functional model: float32 `[N, 24, 11]`, standardised -> float32 `[N, 1]`, vehicles/h.
    """
    layers = keras.layers
    inputs = keras.Input((WINDOW, NUM_FEATURES), name="history")
    x = layers.GRU(32, unroll=True, name="gru")(inputs)
    x = layers.Dense(32, activation="relu", name="dense")(x)
    x = layers.Dense(1, name="scaled_volume")(x)
    outputs = layers.Rescaling(SCALE, OFFSET, name="volume")(x)
    return keras.Model(inputs, outputs, name="traffic_gru")
