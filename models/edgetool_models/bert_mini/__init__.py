"""A small BERT that classifies sentences: token and position embeddings, two encoder blocks, masked mean."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

from edgetool_models.blocks.transformer import encoder_block, position_embedding

if TYPE_CHECKING:
    from keras import Model

__all__ = ["build"]

VOCAB_SIZE = 8192
LENGTH = 64
WIDTH = 64
NUM_HEADS = 4
FF_WIDTH = 128
NUM_BLOCKS = 2
DROPOUT = 0.5


def build(keras: ModuleType) -> Model:
    """Return the untrained model.

    Args:
        keras: `keras` (Keras 3) or `tf_keras`; the definition serves both.

    Returns:
        A functional model: int32 ids `[N, 64]` and mask `[N, 64]`, 1 where a token is -> softmax `[N, 2]`.
    """
    layers = keras.layers
    ids = keras.Input((LENGTH,), dtype="int32", name="ids")
    mask = keras.Input((LENGTH,), dtype="int32", name="mask")
    row = layers.Reshape((1, LENGTH), name="mask_row")(mask)
    x = layers.Embedding(VOCAB_SIZE, WIDTH, name="token")(ids)
    x = position_embedding(keras, x)
    x = layers.Dropout(DROPOUT, name="embedding_dropout")(x)
    for number in range(1, NUM_BLOCKS + 1):
        x = encoder_block(
            keras, x, num_heads=NUM_HEADS, ff_width=FF_WIDTH, name=f"block{number}", dropout=DROPOUT, mask=row
        )
    x = layers.LayerNormalization(epsilon=1e-6, name="final_norm")(x)
    x = layers.GlobalAveragePooling1D(name="pool")(x, mask=mask)
    x = layers.Dropout(DROPOUT, name="pool_dropout")(x)
    outputs = layers.Dense(2, activation="softmax", name="classes")(x)
    return keras.Model([ids, mask], outputs, name="bert_mini")
