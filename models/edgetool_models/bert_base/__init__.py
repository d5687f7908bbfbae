"""BERT base at its published size, with random weights: what an encoder of that size costs."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

from edgetool_models.blocks.transformer import encoder_block, position_table

if TYPE_CHECKING:
    from keras import Model

__all__ = ["build"]

VOCAB_SIZE = 30522
LENGTH = 512
NUM_SEGMENTS = 2
WIDTH = 768
NUM_HEADS = 12
FF_WIDTH = 3072
NUM_BLOCKS = 12
DROPOUT = 0.1
EPSILON = 1e-12


def build(keras: ModuleType) -> Model:
    """Return the model, 109,482,240 parameters, as published.

    Args:
        keras: `keras` (Keras 3) or `tf_keras`; the definition serves both.

    Returns:
        A functional model: int32 ids, mask (1 where a token is) and segments, each `[N, 512]` -> the pooled vector
        `[N, 768]` of the first token.
    """
    layers = keras.layers
    ids, mask, segments = (keras.Input((LENGTH,), dtype="int32", name=name) for name in ("ids", "mask", "segments"))
    row = layers.Reshape((1, LENGTH), name="mask_row")(mask)
    token = layers.Embedding(VOCAB_SIZE, WIDTH, name="token")(ids)
    segment = layers.Embedding(NUM_SEGMENTS, WIDTH, name="segment")(segments)
    x = position_table(keras, layers.Add(name="token_add")([token, segment]), ids)
    x = layers.LayerNormalization(epsilon=EPSILON, name="embedding_norm")(x)
    x = layers.Dropout(DROPOUT, name="embedding_dropout")(x)
    for number in range(1, NUM_BLOCKS + 1):
        x = encoder_block(
            keras,
            x,
            num_heads=NUM_HEADS,
            ff_width=FF_WIDTH,
            name=f"block{number}",
            norm_first=False,
            dropout=DROPOUT,
            mask=row,
            epsilon=EPSILON,
        )
    first = layers.Flatten(name="first")(layers.Cropping1D((0, LENGTH - 1), name="first_token")(x))
    outputs = layers.Dense(WIDTH, activation="tanh", name="pooler")(first)
    return keras.Model([ids, mask, segments], outputs, name="bert_base")
