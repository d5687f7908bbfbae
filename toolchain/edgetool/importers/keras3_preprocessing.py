"""Layers of Keras 3 that prepare data, in operators that files may hold: no tables, no branches.

What hashes or splits text cannot be held by TFLite or ONNX for small devices, and is refused before it is traced.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from unittest import mock

import numpy as np

from edgetool.errors import UnsupportedModelError
from edgetool.importers.keras3_arrays import resize_padded

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

    from edgetool.data.dataset import Array

__all__ = ["function_of_layer", "require_numbers"]

#: Layers that work on text, also where they are given numbers.
_TEXT = frozenset(("HashedCrossing", "Hashing", "StringLookup", "TextVectorization"))


def require_numbers(layer: keras.Layer) -> None:
    """Refuse a layer that hashes or looks up text.

    Raises:
        UnsupportedModelError: names the layer.
    """
    kind = type(layer).__name__
    hashes = kind == "IntegerLookup" and layer.num_oov_indices > 1 and getattr(layer, "oov_method", "") == "farmhash"
    if not type(layer).__module__.startswith("keras.") or not (kind in _TEXT or hashes):
        return
    raise UnsupportedModelError(
        f"layer {layer.name!r}",
        found=f"{kind}, which hashes or looks up text",
        expected="layers that compute numbers from numbers",
        next_step=f"apply it to the data, and take the model behind it: keras.Model({layer.name}.output, model.output)",
    )


def function_of_layer(layer: keras.Layer) -> Callable[..., Any] | None:
    """Return what computes a layer in plain operators; None where the layer's own form does."""
    kind = type(layer).__name__
    if not type(layer).__module__.startswith("keras."):
        return None
    if kind == "Resizing" and layer.pad_to_aspect_ratio and layer.data_format == "channels_last":
        return _resizing(layer)
    if kind == "IntegerLookup":
        return _integer_lookup(layer)
    return None


def _resizing(layer: keras.Layer) -> Callable[..., Any]:
    alike = {name: value for name, value in layer.get_config().items() if name in ("interpolation", "antialias")}
    plain = type(layer)(layer.height, layer.width, data_format="channels_last", **alike)
    size = (layer.height, layer.width)
    return lambda x: resize_padded(x, size, layer.fill_value, plain)


def _integer_lookup(layer: keras.Layer) -> Callable[..., Any]:
    """Look integers up by comparing them with all keys, in place of a hash table."""
    keys, values = (np.asarray(tensor) for tensor in layer.lookup_table.export())
    table = _Comparing(keys, values, int(np.asarray(layer._default_value)))

    def compute(x: tf.Tensor) -> tf.Tensor:
        with mock.patch.object(layer, "lookup_table", table):
            return layer(x)

    return compute


class _Comparing:
    """A table of integers.

    Attributes:
        keys: `[K]`.
        values: `[K]`, one for each key.
        default: the value of what is no key.
    """

    def __init__(self, keys: Array, values: Array, default: int) -> None:
        self.keys, self.values, self.default = keys, values, default

    def lookup(self, x: tf.Tensor) -> tf.Tensor:
        """Return the values of integers of any shape."""
        import tensorflow as tf

        is_key = tf.cast(tf.equal(tf.expand_dims(x, -1), tf.constant(self.keys, x.dtype)), tf.int32)
        steps = tf.constant(self.values - self.default, tf.int32)
        indices = tf.reduce_sum(is_key * steps, axis=-1) + self.default
        return tf.cast(indices, tf.int64)
