"""Operators of Keras 3 that arrange, compare and count, for an open batch and in kernels that both formats have."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

__all__ = [
    "bitwise_and",
    "bitwise_or",
    "diagonal",
    "einsum",
    "fold",
    "in_top_k",
    "inner",
    "is_in",
    "kron",
    "moved",
    "resize_padded",
    "search_sorted",
    "signbit",
    "sobel_edges",
]

_Function = Callable[..., Any]


def moved(function: _Function) -> _Function:
    """Return a function of one tensor that only moves elements of each sample, or puts zeros, as one gather.

    Where an element comes from is told by `function` itself, run on the numbers of the places.
    """

    def compute(x: tf.Tensor) -> tf.Tensor:
        import tensorflow as tf

        size = math.prod(x.shape[1:])
        with tf.init_scope():
            numbers = tf.reshape(tf.range(1, size + 1), [1, *x.shape[1:]])
            sources = np.asarray(function(tf.cast(numbers, tf.float64)))[0].astype(np.int64)
        flat = tf.reshape(x, [-1, size])
        padded = tf.pad(flat, [(0, 0), (1, 0)]) if np.any(sources == 0) else flat
        places = sources if np.any(sources == 0) else sources - 1
        return tf.reshape(tf.gather(padded, places.ravel().astype(np.int32), axis=1), [-1, *sources.shape])

    return compute


def diagonal(x: tf.Tensor, offset: int, axis1: int, axis2: int) -> tf.Tensor:
    """Return a diagonal as the last axis; sizes of both axes are known."""
    import tensorflow as tf

    rank = x.shape.rank
    first, second = axis1 % rank, axis2 % rank
    rest = [axis for axis in range(rank) if axis not in (first, second)]
    num_rows, num_columns = x.shape[first], x.shape[second]
    begin = (max(-offset, 0), max(offset, 0))
    count = max(0, min(num_rows - begin[0], num_columns - begin[1]))
    places = [(begin[0] + step) * num_columns + begin[1] + step for step in range(count)]
    rows = tf.transpose(x, [*rest, first, second])
    sizes = [-1 if size is None else size for size in rows.shape[:-2]]
    return tf.gather(tf.reshape(rows, [*sizes, num_rows * num_columns]), np.array(places, np.int32), axis=-1)


def kron(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    """Return the Kronecker product of tensors; all sizes but the batch's are known, and one batch is 1."""
    import tensorflow as tf

    x, y = tf.convert_to_tensor(x), tf.convert_to_tensor(y)
    rank = max(x.shape.rank, y.shape.rank)
    shapes = []
    for tensor in (x, y):
        sizes = [1] * (rank - tensor.shape.rank) + tensor.shape.as_list()
        shapes.append([-1 if size is None else size for size in sizes])
    spread = [tf.reshape(x, [part for size in shapes[0] for part in (size, 1)])]
    spread.append(tf.reshape(y, [part for size in shapes[1] for part in (1, size)]))
    sizes = [-1 if -1 in pair else math.prod(pair) for pair in zip(*shapes, strict=True)]
    return tf.reshape(spread[0] * spread[1], sizes)


def inner(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    """Return the sums of products over the last axes."""
    import tensorflow as tf

    x, y = tf.convert_to_tensor(x), tf.convert_to_tensor(y)
    if 0 in (x.shape.rank, y.shape.rank):
        return x * y
    if y.shape.rank == 1:
        return tf.reduce_sum(x * y, axis=-1)
    return tf.tensordot(x, y, axes=[[-1], [-1]])


def einsum(operation: keras.Operation) -> _Function:
    """Return a function of tensors; a product without axes of its own on one side is one of elements, then a sum.

    TensorFlow 2.21's converter makes a product of matrices of it, which it then refuses.
    """
    parts = re.fullmatch(r"(\w+),(\w+)->(\w*)", str(operation.subscripts).replace(" ", ""))
    labels = parts.groups() if parts else ()
    repeats = any(len(set(part)) < len(part) for part in labels)
    if not labels or repeats or not set(labels[2]) <= set(labels[0] + labels[1]):
        return operation  # type: ignore[no-any-return]
    left, right, out = labels
    if set(left) - set(right) and set(right) - set(left):
        return operation  # type: ignore[no-any-return]
    order = out + "".join(sorted(set(left + right) - set(out)))

    def spread(x: tf.Tensor, own: str) -> tf.Tensor:
        import tensorflow as tf

        x = tf.transpose(tf.convert_to_tensor(x), [own.index(label) for label in order if label in own])
        for axis, label in enumerate(order):
            x = x if label in own else tf.expand_dims(x, axis)
        return x

    def compute(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        import tensorflow as tf

        return tf.reduce_sum(spread(x, left) * spread(y, right), axis=list(range(len(out), len(order))))

    return compute


def is_in(x: tf.Tensor, y: tf.Tensor, *, invert: bool = False) -> tf.Tensor:
    """Tell which elements of `x` are among those of `y`."""
    import tensorflow as tf

    x, y = tf.convert_to_tensor(x), tf.convert_to_tensor(y)
    is_member = tf.reduce_any(tf.equal(tf.expand_dims(x, -1), tf.reshape(tf.cast(y, x.dtype), [-1])), axis=-1)
    return tf.logical_not(is_member) if invert else is_member


def in_top_k(targets: tf.Tensor, predictions: tf.Tensor, k: int) -> tf.Tensor:
    """Tell for each row whether fewer than `k` predictions are larger than the target's."""
    import tensorflow as tf

    marks = tf.one_hot(targets, predictions.shape[-1], dtype=predictions.dtype)
    own = tf.reduce_sum(marks * predictions, axis=-1, keepdims=True)
    num_larger = tf.reduce_sum(tf.cast(predictions > own, tf.int32), axis=-1)
    return num_larger < k


def search_sorted(sequence: tf.Tensor, values: tf.Tensor, *, right: bool) -> tf.Tensor:
    """Return how many elements of a sorted vector each value stands behind."""
    import tensorflow as tf

    sequence, values = tf.convert_to_tensor(sequence), tf.convert_to_tensor(values)
    spread = tf.expand_dims(tf.cast(values, sequence.dtype), -1)
    is_before = sequence <= spread if right else sequence < spread
    return tf.reduce_sum(tf.cast(is_before, tf.int32), axis=-1)


def signbit(x: tf.Tensor) -> tf.Tensor:
    """Tell which elements are negative, -0.0 included: that is what has a negative reciprocal."""
    import tensorflow as tf

    return tf.logical_or(x < 0.0, tf.math.divide(tf.ones_like(x), x) < 0.0) if x.dtype.is_floating else x < 0


def bitwise_and(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    """Return the bits that two int32 share, by halves, which do not overflow: a + b is (a xor b) + 2 (a and b)."""
    import tensorflow as tf

    x, y = tf.convert_to_tensor(x), tf.convert_to_tensor(y)
    if x.dtype != tf.int32 or y.dtype != tf.int32:
        return tf.bitwise.bitwise_and(x, y)
    sixteen, one = tf.constant(16), tf.constant(1)
    high = [tf.bitwise.right_shift(part, sixteen) for part in (x, y)]
    low = [part - half * 65536 for part, half in zip((x, y), high, strict=True)]
    shared = [tf.bitwise.right_shift(a + b - tf.bitwise.bitwise_xor(a, b), one) for a, b in (high, low)]
    return shared[0] * 65536 + shared[1]


def bitwise_or(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    """Return the bits that either of two int32 has: those that one has, and those that both have."""
    import tensorflow as tf

    return tf.bitwise.bitwise_xor(x, y) + bitwise_and(x, y)


def fold(x: tf.Tensor, operation: keras.Operation) -> tf.Tensor:
    """Sum blocks `[N, C kH kW, L]` into images `[N, C, H, W]`, one place of the kernel after the other."""
    import tensorflow as tf

    (rows, columns), (high, wide), (down, right), (top, left), (step_y, step_x) = (
        (size, size) if isinstance(size, int) else tuple(size)
        for size in (
            operation.output_size,
            operation.kernel_size,
            operation.dilation,
            operation.padding,
            operation.stride,
        )
    )
    num_y = (rows + 2 * top - down * (high - 1) - 1) // step_y + 1
    num_x = (columns + 2 * left - right * (wide - 1) - 1) // step_x + 1
    channels = int(x.shape[1]) // (high * wide)
    numbers = np.arange(channels * high * wide * num_y * num_x).reshape(channels, high, wide, num_y, num_x)
    places = np.full((channels, rows + 2 * top, columns + 2 * left, high * wide), numbers.size, np.int32)
    for y in range(high):
        for z in range(wide):
            ends = y * down + step_y * num_y, z * right + step_x * num_x
            target = places[:, y * down : ends[0] : step_y, z * right : ends[1] : step_x, y * wide + z]
            target[...] = numbers[:, y, z]
    places = places[:, top : top + rows, left : left + columns]
    padded = tf.pad(tf.reshape(x, [-1, numbers.size]), [(0, 0), (0, 1)])
    return tf.reduce_sum(tf.gather(padded, places, axis=1), axis=-1)


def sobel_edges(x: tf.Tensor, *, channels_first: bool) -> tf.Tensor:
    """Return differences down and across, `[..., 2]`: TensorFlow's kernels, on images mirrored at their edges."""
    import tensorflow as tf

    images = tf.transpose(x, [0, 2, 3, 1]) if channels_first else x
    padded = tf.pad(images, [(0, 0), (1, 1), (1, 1), (0, 0)], mode="REFLECT")
    height, width = images.shape[1:3]
    rows = padded[:, :, :width] + 2.0 * padded[:, :, 1 : width + 1] + padded[:, :, 2:]
    columns = padded[:, :height] + 2.0 * padded[:, 1 : height + 1] + padded[:, 2:]
    edges = tf.stack([rows[:, 2:] - rows[:, :height], columns[:, :, 2:] - columns[:, :, :width]], axis=-1)
    return tf.transpose(edges, [0, 3, 1, 2, 4]) if channels_first else edges


def resize_padded(x: tf.Tensor, size: tuple[int, int], fill_value: float, resize: _Function) -> tf.Tensor:
    """Pad images `[N, H, W, C]` to the aspect ratio of `size`, then resize them.

    Args:
        x: all sizes but the batch's are known.
        size: rows and columns of the result.
        fill_value: around the images.
        resize: resizes the padded images.
    """
    import tensorflow as tf

    height, width = int(x.shape[1]), int(x.shape[2])
    tall = max(height, int(np.float32(width * size[0]) / np.float32(size[1])))
    wide = max(width, int(np.float32(height * size[1]) / np.float32(size[0])))
    above, beside = int(np.float32(tall - height) / 2), int(np.float32(wide - width) / 2)
    padded = tf.pad(x, [(0, 0), (above, above), (beside, beside), (0, 0)], constant_values=fill_value)
    return resize(padded)
