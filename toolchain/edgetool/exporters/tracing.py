"""Trace layers in the plain operators that both formats have kernels for.

tf_keras writes EinsumDense and MultiHeadAttention with `tf.einsum`, and Dense on sequences with `tf.tensordot`.
TensorFlow 2.21's converter lowers `abc,c->abc` to a matrix product that it then refuses where the batch is 1; tf2onnx
leaves `Einsum` nodes, which no quantiser knows, and arithmetic with shapes around each dense layer. While a model is
traced for export:

1. Dense, and an EinsumDense that sums over the last axes, are a product with one matrix and a bias; an EinsumDense
   without a sum is a product of elements;
2. MultiHeadAttention is two batched matrix products;
3. Reshape asks for no batch size, so that the batch stays open;
4. scores that a mask hides are lowered by `mask_offset`: Keras' -1e9 leaves no step of an integer range for the others;
5. a mean under a mask divides by no less than what one position counts, which an integer range tells from zero: where
   none counts the mean is zero, and not 0 / 0, at which TFLite's integer DIV ends the run;
6. LayerNormalization squares by a product, for activations of 16 bits: LiteRT 2.1 has no SQUARED_DIFFERENCE of 16 bits;
7. a LayerNormalization that is to stay apart adds no constant last, or for 16 bits one for each position, though they
   are the same: TensorFlow's converter folds a shift for each feature into the bias of the Dense that follows, and then
   the factors in front of it into the kernel, one for each input, which no scale for each output can take back:
   clusters would be lost;
8. Rescaling by 0, which makes the numbers of a sequence's positions, is a constant: an integer range has no room for
   them, and a table that is read at constant places is one to add;
9. a convolution in groups is TensorFlow's own: Keras compiles it, which leaves a call that ONNX cannot hold.
"""

from __future__ import annotations

import contextlib
import contextvars
import math
import re
from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING, Any
from unittest import mock

if TYPE_CHECKING:
    import tensorflow as tf
    import tf_keras

__all__ = ["FLOAT_MASK_OFFSET", "plain_operators"]

#: What Keras adds to hidden scores.
FLOAT_MASK_OFFSET = -1e9

#: Steps of an activation's integer range while a model is traced; 0: float. Read when a layer is called: TensorFlow's
#: converter leaves the method that it found first on each layer, which so serves later conversions of the model too.
_num_steps: contextvars.ContextVar[int] = contextvars.ContextVar("num_steps", default=0)

#: Names of the normalisations that are to stay apart; read as `_num_steps` is.
_apart: contextvars.ContextVar[frozenset[str]] = contextvars.ContextVar("apart", default=frozenset())


@contextlib.contextmanager
def plain_operators(
    *, mask_offset: float = FLOAT_MASK_OFFSET, num_steps: int = 0, apart: Collection[str] = ()
) -> Iterator[None]:
    """Let tf_keras layers that are traced meanwhile use plain operators; their results stay the same.

    Args:
        mask_offset: added to the scores that a mask hides, in place of -1e9.
        num_steps: of an activation's integer range, 255 or 65535; 0: activations are float.
        apart: names of LayerNormalization layers that must not be folded into what follows.
    """
    from tf_keras import layers
    from tf_keras.src.layers.activation import softmax
    from tf_keras.src.layers.convolutional import base_conv

    replaced: tuple[tuple[Any, str, Callable[..., Any]], ...] = (
        (layers.Dense, "call", _dense),
        (layers.EinsumDense, "call", _einsum_dense),
        (layers.Reshape, "call", _reshape),
        (layers.MultiHeadAttention, "_compute_attention", _attention),
        (layers.GlobalAveragePooling1D, "call", _masked_mean),
        (layers.LayerNormalization, "call", _layer_norm),
        (layers.Rescaling, "call", _rescaling),
        (base_conv.Conv, "_jit_compiled_convolution_op", _grouped_convolution),
    )
    with contextlib.ExitStack() as stack:
        for kind, method, instead in replaced:
            stack.enter_context(mock.patch.object(kind, method, _or_original(instead, getattr(kind, method))))
        stack.enter_context(mock.patch.object(softmax, "_large_compatible_negative", lambda _: mask_offset))
        stack.callback(_num_steps.reset, _num_steps.set(num_steps))
        stack.callback(_apart.reset, _apart.set(frozenset(apart)))
        yield


def _or_original(instead: Callable[..., object], original: Callable[..., object]) -> Callable[..., object]:
    """Return a method that does what `instead` does, or what `original` does where that gives None."""

    def method(self: tf_keras.layers.Layer, inputs: object, *args: object, **kwargs: object) -> object:
        found = instead(self, inputs, *args, **kwargs)
        return original(self, inputs, *args, **kwargs) if found is None else found

    return method


def _is_static(tensor: tf.Tensor) -> bool:
    """Tell whether a dense tensor has known dimensions, but perhaps for the batch."""
    shape = getattr(tensor, "shape", None)
    return shape is not None and shape.rank is not None and shape.rank > 1 and None not in shape.as_list()[1:]


def _dense(layer: tf_keras.layers.Dense, inputs: tf.Tensor) -> tf.Tensor | None:
    import tensorflow as tf

    if not isinstance(inputs, tf.Tensor) or not _is_static(inputs) or inputs.shape.rank == 2:
        return None
    product = tf.matmul(tf.cast(inputs, layer.compute_dtype), layer.kernel)
    outputs = tf.nn.bias_add(product, layer.bias) if layer.use_bias else product
    return outputs if layer.activation is None else layer.activation(outputs)


def _einsum_dense(layer: tf_keras.layers.EinsumDense, inputs: tf.Tensor) -> tf.Tensor | None:
    import tensorflow as tf

    match = re.fullmatch(r"(\w+),(\w+)->(\w+)", layer.equation.replace(" ", ""))
    if match is None or not _is_static(inputs):
        return None
    left, right, out = match.groups()
    if out == left and set(right) <= set(left) and list(right) == sorted(right, key=left.index):
        sizes = dict(zip(right, layer.kernel.shape, strict=True))
        # No axes of 1 in front: the converter folds the product into the bias of a Dense before it, which keeps them,
        # and its 16-bit quantiser wants a vector.
        spread = left[left.index(right[0]) :]
        product = inputs * tf.reshape(layer.kernel, [sizes.get(label, 1) for label in spread])
        return _finish(layer, product, layer.bias)
    summed = "".join(label for label in right if label in left)
    kept, made = left[: len(left) - len(summed)], right[len(summed) :]
    if not summed or not kept or not made or (left, right, out) != (kept + summed, summed + made, kept + made):
        return None
    return _product(layer, inputs, len(kept))


def _product(layer: tf_keras.layers.EinsumDense, inputs: tf.Tensor, num_kept: int) -> tf.Tensor:
    """Return the layer's outputs as one product of matrices.

    Args:
        layer: an EinsumDense whose kernel begins with the axes that are summed over.
        inputs: `[N, ...]`; the first `num_kept` axes stay.
        num_kept: see above.
    """
    import tensorflow as tf

    shape = inputs.shape.as_list()
    num_summed = math.prod(shape[num_kept:])
    units = layer.kernel.shape.as_list()[len(shape) - num_kept :]
    rows = inputs if len(shape) == num_kept + 1 else tf.reshape(inputs, [-1, *shape[1:num_kept], num_summed])
    product = tf.matmul(rows, tf.reshape(layer.kernel, [num_summed, math.prod(units)]))
    whole_bias = layer.bias is not None and layer.bias.shape.as_list() == units
    if whole_bias:
        product = tf.nn.bias_add(product, tf.reshape(layer.bias, [-1]))
    if len(units) > 1:
        product = tf.reshape(product, [-1, *shape[1:num_kept], *units])
    return _finish(layer, product, None if whole_bias else layer.bias)


def _finish(layer: tf_keras.layers.EinsumDense, product: tf.Tensor, bias: tf.Variable | None) -> tf.Tensor:
    outputs = product if bias is None else product + bias
    return outputs if layer.activation is None else layer.activation(outputs)


def _reshape(layer: tf_keras.layers.Reshape, inputs: tf.Tensor) -> tf.Tensor | None:
    import tensorflow as tf

    if not _is_static(inputs) or -1 in layer.target_shape:
        return None
    return tf.reshape(inputs, [-1, *layer.target_shape])


def _rescaling(layer: tf_keras.layers.Rescaling, inputs: tf.Tensor) -> tf.Tensor | None:
    """Return the offset, `[1, ...]`, of a layer that multiplies by nothing, and so gives a constant."""
    import tensorflow as tf

    if layer.scale != 0.0 or not _is_static(inputs):
        return None
    return tf.broadcast_to(tf.cast(layer.offset, layer.compute_dtype), [1, *inputs.shape[1:]])


def _grouped_convolution(layer: tf_keras.layers.Layer, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    return layer.convolution_op(inputs, kernel)


def _attention(
    layer: tf_keras.layers.MultiHeadAttention,
    query: tf.Tensor,
    key: tf.Tensor,
    value: tf.Tensor,
    attention_mask: tf.Tensor | None = None,
    training: bool | None = None,
) -> tuple[tf.Tensor, tf.Tensor] | None:
    """Return attended values `[N, L, H, D]` and weights `[N, H, L, L]` of queries, keys and values `[N, L, H, D]`."""
    import tensorflow as tf

    if tuple(layer._attention_axes) != (1,) or query.shape.rank != 4:
        return None
    query, key, value = (tf.transpose(tensor, (0, 2, 1, 3)) for tensor in (query, key, value))
    scores = tf.matmul(query * (1.0 / math.sqrt(float(layer._key_dim))), key, transpose_b=True)
    weights = layer._masked_softmax(scores, attention_mask)
    dropped = layer._dropout_layer(weights, training=training)
    return tf.transpose(tf.matmul(dropped, value), (0, 2, 1, 3)), weights


def _masked_mean(
    layer: tf_keras.layers.GlobalAveragePooling1D, inputs: tf.Tensor, mask: tf.Tensor | None = None
) -> tf.Tensor | None:
    """Return the mean `[N, C]` of the positions that a mask leaves, 0 where it leaves none.

    Means in place of sums, because TFLite gives a sum of 16 bits the range of one summand. The share of positions that
    count is taken to be one step of its range at least.
    """
    import tensorflow as tf

    if mask is None or not _is_static(inputs):
        return None
    axis = 1 if layer.data_format == "channels_last" else 2
    counts = tf.expand_dims(tf.cast(mask, inputs.dtype), 3 - axis)
    least = 1.0 / min(inputs.shape[axis], _num_steps.get() or math.inf)
    share = tf.maximum(tf.reduce_mean(counts, axis=axis, keepdims=layer.keepdims), least)
    return tf.reduce_mean(inputs * counts, axis=axis, keepdims=layer.keepdims) / share


def _layer_norm(layer: tf_keras.layers.LayerNormalization, inputs: tf.Tensor) -> tf.Tensor | None:
    import tensorflow as tf

    is_wide, is_apart = _num_steps.get() > 255, layer.name in _apart.get() and layer.beta is not None
    if not is_wide and not is_apart:
        return None
    axes = [axis % inputs.shape.rank for axis in layer.axis]
    if not _is_static(inputs) or axes != list(range(inputs.shape.rank - len(axes), inputs.shape.rank)):
        return None
    mean = tf.reduce_mean(inputs, axes, keepdims=True)
    centred = inputs - mean
    squares = centred * centred if is_wide else tf.math.squared_difference(inputs, mean)
    factor = tf.math.rsqrt(tf.reduce_mean(squares, axes, keepdims=True) + layer.epsilon)
    factor = factor if layer.gamma is None else factor * layer.gamma
    if not is_wide:
        return inputs * factor + (layer.beta - mean * factor)
    outputs = centred * factor
    if layer.beta is None:
        return outputs
    return outputs + (tf.broadcast_to(layer.beta, inputs.shape[1:]) if is_apart else layer.beta)
