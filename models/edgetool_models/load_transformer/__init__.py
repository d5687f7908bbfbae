"""A small transformer over days of electricity load, beside a linear forecast."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keras import Model

__all__ = ["build"]

#: Hours in and out, and channels (`edgetool.data.sets.etth1`).
HISTORY, HORIZON, NUM_CHANNELS = 96, 24, 7
#: A token is a day of a channel.
DAY = 24
NUM_DAYS = HISTORY // DAY
WIDTH, NUM_HEADS, FEED_FORWARD = 32, 4, 32
DROPOUT = 0.2


def build(keras: ModuleType) -> Model:
    """Return the untrained model, 13,616 parameters.

    Every channel is taken relative to its last value, which is added again at the end. A linear layer over time, shared
    by the channels (Zeng et al., AAAI 2023), makes the forecast, and one transformer block over 28 tokens, a day of a
    channel each (after Nie et al., ICLR 2023), corrects it.

    Args:
        keras: `keras` (Keras 3) or `tf_keras`; the definition serves both.

    Returns:
        A functional model: float32 `[N, 96, 7]`, standardised -> float32 `[N, 24, 7]`.
    """
    layers = keras.layers
    num_tokens = NUM_CHANNELS * NUM_DAYS
    inputs = keras.Input((HISTORY, NUM_CHANNELS), name="history")
    last = layers.Cropping1D((HISTORY - 1, 0), name="last")(inputs)
    relative = layers.Subtract(name="relative")([inputs, last])
    series = layers.Permute((2, 1), name="series")(relative)
    linear = layers.Dense(HORIZON, name="linear")(series)

    x = layers.Reshape((num_tokens, DAY), name="days")(series)
    x = layers.Dense(WIDTH, name="embedding")(x)
    # The bias of this layer is a learned vector for each token.
    x = layers.EinsumDense(
        "abc,c->abc",
        output_shape=(num_tokens, WIDTH),
        bias_axes="bc",
        kernel_initializer="ones",
        name="positions",
    )(x)
    attended = layers.MultiHeadAttention(NUM_HEADS, WIDTH // NUM_HEADS, name="attention")(x, x)
    attended = layers.Dropout(DROPOUT, name="attention_dropout")(attended)
    x = layers.LayerNormalization(name="attention_norm")(layers.Add(name="attention_sum")([x, attended]))
    hidden = layers.Dense(FEED_FORWARD, activation="relu", name="feed_forward")(x)
    hidden = layers.Dense(WIDTH, name="feed_back")(hidden)
    hidden = layers.Dropout(DROPOUT, name="feed_dropout")(hidden)
    x = layers.LayerNormalization(name="feed_norm")(layers.Add(name="feed_sum")([x, hidden]))

    x = layers.Reshape((NUM_CHANNELS, NUM_DAYS * WIDTH), name="channels")(x)
    x = layers.Dropout(DROPOUT, name="dropout")(x)
    correction = layers.Dense(HORIZON, kernel_initializer="zeros", name="correction")(x)
    forecast = layers.Permute((2, 1), name="forecast")(layers.Add(name="corrected")([linear, correction]))
    outputs = layers.Add(name="load")([forecast, last])
    return keras.Model(inputs, outputs, name="load_transformer")
