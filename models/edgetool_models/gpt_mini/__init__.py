"""A small GPT-2 that tells the next character: pre-norm blocks with causal attention."""

from __future__ import annotations

from typing import Any

from edgetool_models.blocks.transformer import encoder_block, position_embedding

__all__ = ["build"]

VOCAB_SIZE = 66
LENGTH = 128
WIDTH = 128
NUM_HEADS = 4
FF_WIDTH = 512
NUM_BLOCKS = 4
DROPOUT = 0.0


def build(keras: Any) -> Any:
    """Return the untrained model.

    Args:
        keras: `keras` (Keras 3) or `tf_keras`; the definition serves both.

    Returns:
        A functional model: int32 ids `[N, 128]` -> logits `[N, 128, 66]` of the character behind each position.
    """
    layers = keras.layers
    ids = keras.Input((LENGTH,), dtype="int32", name="ids")
    x = layers.Embedding(VOCAB_SIZE, WIDTH, name="token")(ids)
    x = position_embedding(keras, x)
    for number in range(1, NUM_BLOCKS + 1):
        x = encoder_block(
            keras, x, num_heads=NUM_HEADS, ff_width=FF_WIDTH, name=f"block{number}", dropout=DROPOUT, causal=True
        )
    x = layers.LayerNormalization(epsilon=1e-6, name="final_norm")(x)
    outputs = layers.Dense(VOCAB_SIZE, name="next")(x)
    return keras.Model(ids, outputs, name="gpt_mini")
