"""GPT-2 small at its published size, with random weights: what a decoder of that size costs."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

from edgetool_models.blocks.transformer import encoder_block, position_table, token_table

if TYPE_CHECKING:
    from keras import Model

__all__ = ["build"]

VOCAB_SIZE = 50257
LENGTH = 1024
WIDTH = 768
NUM_HEADS = 12
FF_WIDTH = 3072
NUM_BLOCKS = 12
DROPOUT = 0.1
EPSILON = 1e-5


def build(keras: ModuleType) -> Model:
    """Return the model, 124,439,808 parameters, as published: the output layer is the token table once more.

    Args:
        keras: `keras` (Keras 3) or `tf_keras`; the definition serves both.

    Returns:
        A functional model: int32 ids `[N, 1024]` -> logits `[N, 1024, 50257]` of the token behind each position.
    """
    layers = keras.layers
    ids = keras.Input((LENGTH,), dtype="int32", name="ids")
    token = token_table(keras, VOCAB_SIZE, WIDTH)
    x = position_table(keras, token(ids), ids)
    x = layers.Dropout(DROPOUT, name="embedding_dropout")(x)
    for number in range(1, NUM_BLOCKS + 1):
        x = encoder_block(
            keras,
            x,
            num_heads=NUM_HEADS,
            ff_width=FF_WIDTH,
            name=f"block{number}",
            dropout=DROPOUT,
            causal=True,
            epsilon=EPSILON,
        )
    x = layers.LayerNormalization(epsilon=EPSILON, name="final_norm")(x)
    return keras.Model(ids, token(x, reverse=True), name="gpt2_small")
