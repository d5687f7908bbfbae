"""The transformer's block and its learned position table, for Keras 3 and tf_keras alike.

Standard layers of Keras 3 only: models made of them are carried over to tf_keras and exported layer by layer.
"""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

from edgetool.passes.reversible import reversible_embedding

if TYPE_CHECKING:
    from keras import KerasTensor, Layer

__all__ = ["encoder_block", "position_embedding", "position_table", "token_table"]


def encoder_block(
    keras: ModuleType,
    x: KerasTensor,
    *,
    num_heads: int,
    ff_width: int,
    name: str,
    norm_first: bool = True,
    dropout: float = 0.0,
    mask: KerasTensor | None = None,
    causal: bool = False,
    epsilon: float = 1e-6,
) -> KerasTensor:
    """Return `x` after self-attention and a feed-forward part with GELU, each with a residual and a layer norm.

    Args:
        keras: `keras` (Keras 3) or `tf_keras`.
        x: `[N, L, D]`; each head is `D / num_heads` wide.
        num_heads: divides D.
        ff_width: width of the feed-forward part's inner layer.
        name: prefix of the layers' names.
        norm_first: norm in front of each part (GPT-2, ViT), or behind each residual (Vaswani et al. 2017; BERT).
        dropout: share of each part's outputs that training drops.
        mask: `[N, 1, L]`, 1 where a position may be attended to and 0 for padding; None: every position may.
        causal: a position attends to itself and earlier ones only.
        epsilon: of the layer norms.
    """
    layers = keras.layers
    width = int(x.shape[-1])

    def attend(value: KerasTensor) -> KerasTensor:
        attention = layers.MultiHeadAttention(num_heads, width // num_heads, name=f"{name}_attention")
        # An absent mask is left out, and not None: Keras writes what it is given into the model's configuration.
        if mask is not None:
            return attention(value, value, attention_mask=mask)
        return attention(value, value, use_causal_mask=True) if causal else attention(value, value)

    def feed_forward(value: KerasTensor) -> KerasTensor:
        value = layers.Dense(ff_width, activation="gelu", name=f"{name}_expand")(value)
        return layers.Dense(width, name=f"{name}_reduce")(value)

    for part, role in ((attend, "attention"), (feed_forward, "feed_forward")):
        norm = layers.LayerNormalization(epsilon=epsilon, name=f"{name}_{role}_norm")
        value = part(norm(x) if norm_first else x)
        if dropout:
            value = layers.Dropout(dropout, name=f"{name}_{role}_dropout")(value)
        x = layers.Add(name=f"{name}_{role}_add")([x, value])
        x = x if norm_first else norm(x)
    return x


def position_embedding(keras: ModuleType, x: KerasTensor, *, name: str = "position") -> KerasTensor:
    """Return `x` plus a learned vector for each position.

    The table is the bias of an EinsumDense, because a layer that adds one is not among the standard ones. Its kernel
    scales the features of `x`, begins as ones and costs D parameters.

    Args:
        keras: `keras` (Keras 3) or `tf_keras`.
        x: `[N, L, D]`.
        name: of the layer.
    """
    _, length, width = x.shape
    table = keras.layers.EinsumDense(
        "abc,c->abc",
        output_shape=(int(length), int(width)),
        bias_axes="bc",
        kernel_initializer="ones",
        bias_initializer="random_normal",
        name=name,
    )
    return table(x)


def position_table(keras: ModuleType, x: KerasTensor, ids: KerasTensor, *, name: str = "position") -> KerasTensor:
    """Return `x` plus a learned vector for each position, without a parameter beyond those of the table.

    Where the position table's size is to be the published one: `position_embedding` is the plainer graph. The numbers
    0 to L - 1 are the ids times zero plus them, because the standard layers have no constant.

    Args:
        keras: `keras` (Keras 3) or `tf_keras`.
        x: `[N, L, D]`.
        ids: `[N, L]`, of any values.
        name: of the table.
    """
    layers = keras.layers
    _, length, width = x.shape
    # float32 whatever else computes in: 16 bits have no 1,023.
    places = layers.Rescaling(0.0, offset=list(range(int(length))), dtype="float32", name=f"{name}_ids")(ids)
    table = layers.Embedding(int(length), int(width), name=name)
    return layers.Add(name=f"{name}_add")([x, table(places)])


def token_table(keras: ModuleType, vocab_size: int, width: int, *, name: str = "token") -> Layer:
    """Return a layer that embeds ids, and called with `reverse=True` gives logits by the same weight, `[V, D]`.

    Args:
        keras: `keras` (Keras 3) or `tf_keras`, which has no such layer.
        vocab_size: V.
        width: D.
        name: of the layer.
    """
    kind = getattr(keras.layers, "ReversibleEmbedding", None) or reversible_embedding()
    return kind(vocab_size, width, name=name)
