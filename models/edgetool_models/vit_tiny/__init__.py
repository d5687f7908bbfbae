"""A small vision transformer on 32x32 images: 64 patches of 4x4 pixels, four blocks, mean over the patches."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

from edgetool_models.blocks.transformer import encoder_block, position_embedding

if TYPE_CHECKING:
    from keras import Model

__all__ = ["build"]

PATCH = 4
WIDTH = 64
NUM_BLOCKS = 4
NUM_HEADS = 4


def build(keras: ModuleType) -> Model:
    """Return the untrained model.

    Args:
        keras: `keras` (Keras 3) or `tf_keras`; the definition serves both.

    Returns:
        A functional model: float32 `[N, 32, 32, 3]`, standardised -> softmax `[N, 10]`.
    """
    layers = keras.layers
    inputs = keras.Input((32, 32, 3), name="image")
    x = layers.Conv2D(WIDTH, PATCH, strides=PATCH, name="patches")(inputs)
    x = layers.Reshape(((32 // PATCH) ** 2, WIDTH), name="sequence")(x)
    x = position_embedding(keras, x)
    for number in range(1, NUM_BLOCKS + 1):
        x = encoder_block(keras, x, num_heads=NUM_HEADS, ff_width=2 * WIDTH, name=f"block{number}")
    x = layers.LayerNormalization(epsilon=1e-6, name="norm")(x)
    x = layers.GlobalAveragePooling1D(name="pool")(x)
    outputs = layers.Dense(10, activation="softmax", name="classes")(x)
    return keras.Model(inputs, outputs, name="vit_tiny")
