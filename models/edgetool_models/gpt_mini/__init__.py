"""A small GPT-2 that tells the next character: pre-norm blocks with causal attention."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

from edgetool_models.blocks.decoding import copy_weights, decoder_step, open_cache, step_embedding
from edgetool_models.blocks.transformer import encoder_block, position_embedding

if TYPE_CHECKING:
    from keras import Model

__all__ = ["build", "build_step", "copy_weights"]

#: The 65 characters of Tiny Shakespeare, and 0 for others.
VOCAB_SIZE = 66
LENGTH = 128
WIDTH = 128
NUM_HEADS = 4
FF_WIDTH = 512
NUM_BLOCKS = 3


def build(keras: ModuleType) -> Model:
    """Return the untrained model, 628,546 parameters.

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
        x = encoder_block(keras, x, num_heads=NUM_HEADS, ff_width=FF_WIDTH, name=f"block{number}", causal=True)
    x = layers.LayerNormalization(epsilon=1e-6, name="final_norm")(x)
    outputs = layers.Dense(VOCAB_SIZE, name="next")(x)
    return keras.Model(ids, outputs, name="gpt_mini")


def build_step(keras: ModuleType) -> Model:
    """Return the model that generates: one token in, the next one's logits out, with a key/value cache.

    Its weights are taken from a trained `build` model by `copy_weights`.

    Args:
        keras: `keras` (Keras 3) or `tf_keras`; the definition serves both.

    Returns:
        A functional model: int32 token `[N, 1]`, int32 position `[N, 1]`, seen `[N, 128]`, and for each block keys and
        values `[N, 128, 4, 32]` -> logits `[N, 66]`, then seen, keys and values for the next step in the same order.
        All but token and position begin as zeros.
    """
    layers = keras.layers
    token = keras.Input((1,), dtype="int32", name="token_id")
    position = keras.Input((1,), dtype="int32", name="position_id")
    seen = keras.Input((LENGTH,), name="seen")
    cache = open_cache(keras, position, seen)
    x = step_embedding(keras, token, position, vocab_size=VOCAB_SIZE, length=LENGTH, width=WIDTH)
    inputs, outputs = [token, position, seen], [cache.seen]
    for number in range(1, NUM_BLOCKS + 1):
        shape = (LENGTH, NUM_HEADS, WIDTH // NUM_HEADS)
        keys, values = (keras.Input(shape, name=f"{part}{number}") for part in ("keys", "values"))
        inputs += [keys, values]
        x, keys, values = decoder_step(
            keras, x, keys, values, cache, num_heads=NUM_HEADS, ff_width=FF_WIDTH, name=f"block{number}"
        )
        outputs += [keys, values]
    x = layers.LayerNormalization(epsilon=1e-6, name="final_norm")(x)
    logits = layers.Dense(VOCAB_SIZE, name="next")(layers.Reshape((WIDTH,), name="last")(x))
    return keras.Model(inputs, [logits, *outputs], name="gpt_mini_step")
