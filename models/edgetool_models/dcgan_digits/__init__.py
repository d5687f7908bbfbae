"""A small DCGAN that draws handwritten digits: the generator is what ships, the discriminator only trains it."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keras import Model

__all__ = ["build", "build_discriminator"]

LATENT_SIZE = 32
FILTERS = 64


def build(keras: ModuleType) -> Model:
    """Return the untrained generator.

    Args:
        keras: `keras` (Keras 3) or `tf_keras`; the definition serves both.

    Returns:
        A functional model: float32 `[N, 32]`, standard normal -> images `[N, 16, 16, 1]`, 0..1.
    """
    layers = keras.layers
    inputs = keras.Input((LATENT_SIZE,), name="latent")
    x = layers.Dense(4 * 4 * FILTERS, use_bias=False, name="project")(inputs)
    x = layers.Reshape((4, 4, FILTERS), name="reshape")(x)
    x = layers.BatchNormalization(momentum=0.9, name="project_bn")(x)
    x = layers.ReLU(name="project_relu")(x)
    x = layers.Conv2DTranspose(FILTERS // 2, 4, strides=2, padding="same", use_bias=False, name="enlarge")(x)
    x = layers.BatchNormalization(momentum=0.9, name="enlarge_bn")(x)
    x = layers.ReLU(name="enlarge_relu")(x)
    outputs = layers.Conv2DTranspose(1, 4, strides=2, padding="same", activation="sigmoid", name="image")(x)
    return keras.Model(inputs, outputs, name="dcgan_digits")


def build_discriminator(keras: ModuleType) -> Model:
    """Return the untrained discriminator: images `[N, 16, 16, 1]`, 0..1 -> logit `[N, 1]`, above 0 for real ones.

    Args:
        keras: `keras` (Keras 3).
    """
    layers = keras.layers
    inputs = keras.Input((16, 16, 1), name="image")
    x = layers.Conv2D(32, 4, strides=2, padding="same", name="conv1")(inputs)
    x = layers.LeakyReLU(0.2, name="relu1")(x)
    x = layers.Dropout(0.3, name="dropout1")(x)
    x = layers.Conv2D(64, 4, strides=2, padding="same", name="conv2")(x)
    x = layers.LeakyReLU(0.2, name="relu2")(x)
    x = layers.Dropout(0.3, name="dropout2")(x)
    x = layers.Flatten(name="flatten")(x)
    outputs = layers.Dense(1, name="real")(x)
    return keras.Model(inputs, outputs, name="dcgan_digits_discriminator")
