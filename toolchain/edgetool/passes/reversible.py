"""`ReversibleEmbedding` for tf_keras: a table of tokens that is the output layer too, as Keras 3 has it.

Language models tie the two (Press and Wolf, EACL 2017). Keras 2 has no layer for it, and passes and exporters work on
tf_keras models.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tensorflow as tf
    import tf_keras

__all__ = ["reversible_embedding"]


@functools.cache
def reversible_embedding() -> type[tf_keras.layers.Embedding]:
    """Return the class, which tf_keras can save and load; configuration and weights are those of Keras 3's."""
    import tensorflow as tf
    import tf_keras

    @tf_keras.utils.register_keras_serializable(package="edgetool")
    class ReversibleEmbedding(tf_keras.layers.Embedding):  # type: ignore[misc]  # no types there
        """int ids `[N, ...]` -> vectors `[N, ..., D]`; with `reverse`, vectors `[N, ..., D]` -> logits `[N, ..., V]`.

        Both by the one weight, `embeddings` `[V, D]`.
        """

        def call(self, inputs: tf.Tensor, reverse: bool = False) -> tf.Tensor:
            if not reverse:
                return super().call(inputs)
            return tf.matmul(tf.cast(inputs, self.compute_dtype), self.embeddings, transpose_b=True)

    return ReversibleEmbedding
