"""Operators of Keras 3 written in what TFLite and ONNX have kernels for, where Keras' own TensorFlow form has none."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from edgetool.importers import keras3_arrays as arrays
from edgetool.importers import keras3_signal as signal
from edgetool.importers.keras3_activations import celu, hard_sigmoid, hard_silu

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

__all__ = ["function_of"]

#: A function of tensors.
_Function = Callable[..., Any]


def function_of(operation: keras.Operation) -> _Function:
    """Return what computes an operator of Keras 3 on TensorFlow's tensors."""
    maker = _MAKERS.get(type(operation).__name__)
    function = None if maker is None else maker(operation)
    return operation if function is None else function


def _plain(function: _Function) -> Callable[[keras.Operation], _Function]:
    """Return a maker for an operator without attributes."""
    return lambda operation: function  # noqa: ARG005 - a maker's signature


def _cast(operation: keras.Operation) -> _Function | None:
    import tensorflow as tf

    is_other_float = str(operation.dtype) in ("float16", "bfloat16", "float64")
    return (lambda x: tf.cast(x, tf.float32)) if is_other_float else None


def _log1p(x: tf.Tensor) -> tf.Tensor:
    import tensorflow as tf

    return tf.math.log(1.0 + x)


def _expm1(x: tf.Tensor) -> tf.Tensor:
    import tensorflow as tf

    return tf.exp(x) - 1.0


def _tan(x: tf.Tensor) -> tf.Tensor:
    import tensorflow as tf

    return tf.sin(x) / tf.cos(x)


def _sinh(x: tf.Tensor) -> tf.Tensor:
    import tensorflow as tf

    return 0.5 * (tf.exp(x) - tf.exp(-x))


def _cosh(x: tf.Tensor) -> tf.Tensor:
    import tensorflow as tf

    return 0.5 * (tf.exp(x) + tf.exp(-x))


def _arctan(x: tf.Tensor) -> tf.Tensor:
    import tensorflow as tf

    return tf.atan2(x, tf.ones_like(x))


def _arcsin(x: tf.Tensor) -> tf.Tensor:
    import tensorflow as tf

    return tf.atan2(x, tf.sqrt(1.0 - x * x))


def _arccos(x: tf.Tensor) -> tf.Tensor:
    import tensorflow as tf

    return tf.atan2(tf.sqrt(1.0 - x * x), x)


def _arcsinh(x: tf.Tensor) -> tf.Tensor:
    import tensorflow as tf

    size = tf.abs(x)
    return tf.sign(x) * tf.math.log(size + tf.sqrt(size * size + 1.0))


def _arccosh(x: tf.Tensor) -> tf.Tensor:
    import tensorflow as tf

    return tf.math.log(x + tf.sqrt(x * x - 1.0))


def _arctanh(x: tf.Tensor) -> tf.Tensor:
    import tensorflow as tf

    return 0.5 * tf.math.log((1.0 + x) / (1.0 - x))


def _logaddexp(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    import tensorflow as tf

    larger = tf.maximum(x, y)
    return larger + tf.math.log(tf.exp(x - larger) + tf.exp(y - larger))


def _logaddexp2(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    unit = math.log(2.0)
    return _logaddexp(x * unit, y * unit) / unit


def _celu(operation: keras.Operation) -> _Function:
    return functools.partial(celu, alpha=float(operation.alpha))


def _arg_extreme(name: str) -> Callable[[keras.Operation], _Function | None]:
    """Return a maker for `argmax` or `argmin`: Keras' form tells -0.0 from 0.0 by their bits."""

    def make(operation: keras.Operation) -> _Function | None:
        import tensorflow as tf

        if operation.axis is None:
            return None
        axis, keepdims = int(operation.axis), bool(operation.keepdims)

        def compute(x: tf.Tensor) -> tf.Tensor:
            place = getattr(tf, name)(x, axis, output_type=tf.int32)
            return tf.expand_dims(place, axis) if keepdims else place

        return compute

    return make


def _cumprod(operation: keras.Operation) -> _Function | None:
    import tensorflow as tf

    if operation.axis is None or operation.dtype is not None:
        return None
    axis = int(operation.axis)

    def compute(x: tf.Tensor) -> tf.Tensor:
        if x.shape[axis] is None:
            return tf.math.cumprod(x, axis)
        steps = tf.unstack(x, axis=axis)
        for index in range(1, len(steps)):
            steps[index] = steps[index - 1] * steps[index]
        return tf.stack(steps, axis=axis)

    return compute


def _diagonal(operation: keras.Operation) -> _Function:
    axes = int(operation.axis1), int(operation.axis2)
    return lambda x: arrays.diagonal(x, int(operation.offset), *axes)


def _trace(operation: keras.Operation) -> _Function:
    import tensorflow as tf

    diagonal = _diagonal(operation)
    return lambda x: tf.reduce_sum(diagonal(x), axis=-1)


def _nan_extreme(name: str) -> Callable[[keras.Operation], _Function | None]:
    """Return a maker for `nanargmax` or `nanargmin`: -1 where all are NaN."""

    def make(operation: keras.Operation) -> _Function | None:
        import tensorflow as tf

        arg_extreme = _arg_extreme(name)(operation)
        if arg_extreme is None:
            return None
        axis, keepdims = int(operation.axis), bool(operation.keepdims)
        worst = -math.inf if name == "argmax" else math.inf

        def compute(x: tf.Tensor) -> tf.Tensor:
            is_nan = tf.math.is_nan(x)
            place = arg_extreme(tf.where(is_nan, tf.constant(worst, x.dtype), x))
            is_empty = tf.reduce_all(is_nan, axis=axis, keepdims=keepdims)
            return tf.where(is_empty, tf.constant(-1, place.dtype), place)

        return compute

    return make


def _nan_cumprod(operation: keras.Operation) -> _Function | None:
    import tensorflow as tf

    product = _cumprod(operation)
    return None if product is None else lambda x: product(tf.where(tf.math.is_nan(x), tf.ones_like(x), x))


def _unfold(operation: keras.Operation) -> _Function:
    return arrays.moved(operation)


def _fold(operation: keras.Operation) -> _Function:
    return lambda x: arrays.fold(x, operation)


def _is_in(operation: keras.Operation) -> _Function:
    return lambda x, y: arrays.is_in(x, y, invert=bool(operation.invert))


def _in_top_k(operation: keras.Operation) -> _Function:
    return lambda targets, predictions: arrays.in_top_k(targets, predictions, int(operation.k))


def _search_sorted(operation: keras.Operation) -> _Function:
    return lambda sequence, values: arrays.search_sorted(sequence, values, right=operation.side == "right")


def _sobel_edges(operation: keras.Operation) -> _Function:
    return lambda x: arrays.sobel_edges(x, channels_first=operation.data_format == "channels_first")


def _left_shift(x: tf.Tensor, y: tf.types.experimental.TensorLike) -> tf.Tensor:
    import tensorflow as tf

    bits = tf.get_static_value(tf.convert_to_tensor(y))
    return tf.bitwise.left_shift(x, y) if bits is None else x * tf.constant(2**bits, x.dtype)


def _bitwise_not(x: tf.Tensor) -> tf.Tensor:
    return -1 - x


def _resize(operation: keras.Operation) -> _Function | None:
    """Pad to an aspect ratio by known sizes: Keras has a branch for it."""
    if not operation.pad_to_aspect_ratio or operation.data_format == "channels_first":
        return None
    import keras

    alike = {name: getattr(operation, name) for name in ("interpolation", "antialias")}
    size = tuple(operation.size)
    resize = functools.partial(keras.ops.image.resize, size=size, data_format="channels_last", **alike)
    return lambda x: arrays.resize_padded(x, size, operation.fill_value, resize)


def _real_transform(name: str) -> Callable[[keras.Operation], _Function]:
    return lambda operation: functools.partial(getattr(signal, name), fft_length=operation.fft_length)


def _short_transform(name: str) -> Callable[[keras.Operation], _Function]:
    """Return a maker for `stft` or `istft`."""
    names = ("sequence_length", "sequence_stride", "fft_length", "window", "center", "length")

    def make(operation: keras.Operation) -> _Function:
        given = {key: getattr(operation, key) for key in names if hasattr(operation, key)}
        return functools.partial(getattr(signal, name), **given)

    return make


def _cross(operation: keras.Operation) -> _Function | None:
    import tensorflow as tf

    if any(getattr(operation, name, None) not in (-1, None) for name in ("axisa", "axisb", "axisc", "axis")):
        return None

    def compute(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        if x.shape[-1] != 3 or y.shape[-1] != 3:
            return operation(x, y)
        (a, b, c), (d, e, f) = tf.unstack(x, axis=-1), tf.unstack(y, axis=-1)
        return tf.stack([b * f - c * e, c * d - a * f, a * e - b * d], axis=-1)

    return compute


#: Class of an operator -> what makes a function of it, or gives None where Keras' own form is to compute it.
_MAKERS: dict[str, Callable[[keras.Operation], _Function | None]] = {
    "Arccos": _plain(_arccos),
    "Arccosh": _plain(_arccosh),
    "Arcsin": _plain(_arcsin),
    "Arcsinh": _plain(_arcsinh),
    "Arctan": _plain(_arctan),
    "Arctanh": _plain(_arctanh),
    "Argmax": _arg_extreme("argmax"),
    "Argmin": _arg_extreme("argmin"),
    "BitwiseAnd": _plain(arrays.bitwise_and),
    "BitwiseInvert": _plain(_bitwise_not),
    "BitwiseLeftShift": _plain(_left_shift),
    "BitwiseNot": _plain(_bitwise_not),
    "BitwiseOr": _plain(arrays.bitwise_or),
    "Cast": _cast,
    "Celu": _celu,
    "Cosh": _plain(_cosh),
    "Cross": _cross,
    "Cumprod": _cumprod,
    "Diagonal": _diagonal,
    "Einsum": arrays.einsum,
    "Expm1": _plain(_expm1),
    "FFT": _plain(signal.fft),
    "FFT2": _plain(signal.fft2),
    "Fold": _fold,
    "HardSigmoid": _plain(hard_sigmoid),
    "HardSilu": _plain(hard_silu),
    "IFFT2": _plain(signal.ifft2),
    "IRFFT": _real_transform("irfft"),
    "ISTFT": _short_transform("istft"),
    "InTopK": _in_top_k,
    "Inner": _plain(arrays.inner),
    "IsIn": _is_in,
    "Kron": _plain(arrays.kron),
    "LeftShift": _plain(_left_shift),
    "Log1p": _plain(_log1p),
    "Logaddexp": _plain(_logaddexp),
    "Logaddexp2": _plain(_logaddexp2),
    "Nanargmax": _nan_extreme("argmax"),
    "Nanargmin": _nan_extreme("argmin"),
    "Nancumprod": _nan_cumprod,
    "RFFT": _real_transform("rfft"),
    "Resize": _resize,
    "STFT": _short_transform("stft"),
    "SearchSorted": _search_sorted,
    "Signbit": _plain(arrays.signbit),
    "Sinh": _plain(_sinh),
    "SobelEdges": _sobel_edges,
    "Tan": _plain(_tan),
    "Trace": _trace,
    "Unfold": _unfold,
}
