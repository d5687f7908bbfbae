"""One step of a causal transformer with a key/value cache: what a device runs to generate text, token by token.

`encoder_block` computes keys and values of a whole sequence anew; a step computes those of one token and keeps them.
Standard layers only, so that a step is exported like any model. Its weights are those of the trained model, by name.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keras import KerasTensor, Model

__all__ = ["Cache", "copy_weights", "decoder_step", "open_cache", "step_embedding"]

#: Added to the score of a position that holds no token yet.
HIDDEN = -1e4

PARTS = ("query", "key", "value", "output")


@dataclass(frozen=True, slots=True)
class Cache:
    """Where a step writes, and what it may look at.

    Attributes:
        written: `[N, L, 1, 1]`, 1 at the token's position, 0 elsewhere.
        seen: `[N, L]`, 1 where a token is, this one included.
        hidden: `[N, L, 1, 1]`, 0 where a token is, `HIDDEN` elsewhere.
    """

    written: KerasTensor
    seen: KerasTensor
    hidden: KerasTensor


def open_cache(keras: ModuleType, position: KerasTensor, seen: KerasTensor) -> Cache:
    """Return the cache of a step at `position`.

    Args:
        keras: `keras` (Keras 3) or `tf_keras`.
        position: int32 `[N, 1]`, 0 to L - 1.
        seen: `[N, L]`, as the step before gave it; zeros before the first.
    """
    layers = keras.layers
    length = int(seen.shape[-1])
    # An integer becomes a row of zeros and a one by a table: the standard layers have no other way in both Keras.
    one_hot = layers.Embedding(length, length, embeddings_initializer="identity", trainable=False, name="one_hot")
    row = layers.Reshape((length,), name="written_row")(one_hot(position))
    now = layers.Add(name="seen_next")([seen, row])
    hidden = layers.Rescaling(-HIDDEN, offset=HIDDEN, name="hidden")(now)
    return Cache(
        written=layers.Reshape((length, 1, 1), name="written")(row),
        seen=now,
        hidden=layers.Reshape((length, 1, 1), name="hidden_column")(hidden),
    )


def step_embedding(
    keras: ModuleType, token: KerasTensor, position: KerasTensor, *, vocab_size: int, length: int, width: int
) -> KerasTensor:
    """Return the embedding `[N, 1, D]` of a token at a position: `token` and `position` of the trained model.

    Args:
        keras: `keras` (Keras 3) or `tf_keras`.
        token: int32 `[N, 1]`.
        position: int32 `[N, 1]`.
        vocab_size: rows of the token table.
        length: of the context, L.
        width: D.
    """
    layers = keras.layers
    x = layers.Embedding(vocab_size, width, name="token")(token)
    x = layers.EinsumDense("abc,c->abc", output_shape=(1, width), kernel_initializer="ones", name="position_scale")(x)
    place = layers.Embedding(length, width, name="position_table")(position)
    return layers.Add(name="position")([x, place])


def decoder_step(
    keras: ModuleType,
    x: KerasTensor,
    keys: KerasTensor,
    values: KerasTensor,
    cache: Cache,
    *,
    num_heads: int,
    ff_width: int,
    name: str,
    epsilon: float = 1e-6,
) -> tuple[KerasTensor, KerasTensor, KerasTensor]:
    """Return what `encoder_block` with `norm_first` and `causal` gives for one token, and its cache with that token.

    Args:
        keras: `keras` (Keras 3) or `tf_keras`.
        x: `[N, 1, D]`.
        keys: of the tokens before, `[N, L, H, D / H]`; zeros where there is none yet.
        values: likewise.
        cache: of `open_cache`.
        num_heads: H.
        ff_width: as in the block.
        name: likewise.
        epsilon: likewise.

    Returns:
        x `[N, 1, D]`, keys and values.
    """
    layers = keras.layers
    width, length, head = int(x.shape[-1]), int(keys.shape[1]), int(keys.shape[-1])
    normed = layers.LayerNormalization(epsilon=epsilon, name=f"{name}_attention_norm")(x)

    def project(part: str) -> KerasTensor:
        dense = layers.Dense(width, name=f"{name}_{part}")(normed)
        return layers.Reshape((1, num_heads, head), name=f"{name}_{part}_heads")(dense)

    def keep(before: KerasTensor, part: str) -> KerasTensor:
        placed = layers.Multiply(name=f"{name}_{part}_placed")([cache.written, project(part)])
        return layers.Add(name=f"{name}_{part}_cache")([before, placed])

    keys, values = keep(keys, "key"), keep(values, "value")
    products = layers.Multiply(name=f"{name}_products")([project("query"), keys])
    scale = keras.initializers.Constant(1.0 / math.sqrt(head))
    scores = layers.Dense(1, use_bias=False, kernel_initializer=scale, trainable=False, name=f"{name}_scores")(products)
    weights = layers.Softmax(axis=1, name=f"{name}_weights")(
        layers.Add(name=f"{name}_masked")([scores, cache.hidden])
    )  # [N, L, H, 1]
    weighted = layers.Multiply(name=f"{name}_weighted")([weights, values])
    rows = layers.Reshape((length, width), name=f"{name}_rows")(weighted)
    mean = layers.GlobalAveragePooling1D(keepdims=True, name=f"{name}_mean")(rows)
    attended = layers.Rescaling(float(length), name=f"{name}_sum")(mean)
    attended = layers.Dense(width, name=f"{name}_output")(attended)
    x = layers.Add(name=f"{name}_attention_add")([x, attended])
    normed = layers.LayerNormalization(epsilon=epsilon, name=f"{name}_feed_forward_norm")(x)
    inner = layers.Dense(ff_width, activation="gelu", name=f"{name}_expand")(normed)
    outer = layers.Dense(width, name=f"{name}_reduce")(inner)
    return layers.Add(name=f"{name}_feed_forward_add")([x, outer]), keys, values


def copy_weights(model: Model, step: Model) -> None:
    """Give `step` the weights of the trained `model`: layer by layer, those of MultiHeadAttention part by part.

    Args:
        model: of `encoder_block`s and `position_embedding`; Keras 3 or tf_keras, as `step`.
        step: of `decoder_step`s with the same names; modified.
    """
    trained = {layer.name: layer.get_weights() for layer in model.layers if layer.weights}
    for layer in step.layers:
        block, _, part = layer.name.rpartition("_")
        attention = trained.get(f"{block}_attention")
        if layer.name in trained and layer.weights and layer.name != "position":
            layer.set_weights(trained[layer.name])
        elif part in PARTS and attention is not None:
            kernel, bias = attention[2 * PARTS.index(part) :][:2]
            width = layer.get_weights()[0].shape
            layer.set_weights([kernel.reshape(width), bias.reshape(-1)])
        elif layer.name in ("position_scale", "position_table"):
            layer.set_weights([trained["position"][0 if part == "scale" else 1]])
