"""Operators of TensorFlow that a format has no kernel for, written out in those that it has, while a model is traced.

All layers reach these operators through TensorFlow's generated modules, so that Keras' own layers, operators of
`keras.ops` and functions of a user's are served alike.

1. TFLite: `erf`, its relatives and the Bessel function I0 are polynomials that are exact to single precision.
2. TFLite: pooling over volumes is pooling over rows and columns, then over depth: maxima and means of maxima and means.
3. Both: a convolution of volumes in groups is one for each group; TFLite: a dilated one is one operator.
4. Both: resizing by an interpolation other than linear is a product with one constant matrix for each axis.
5. TFLite: `atan2` wants both tensors in the shape of the result.
6. ONNX: `log1p` by a logarithm that keeps small numbers; the place among bins is a count. Both: so is `bincount`.
7. Both: conversions between RGB and HSV by comparisons.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import math
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal
from unittest import mock

from edgetool.importers import keras3_signal as signal

if TYPE_CHECKING:
    import tensorflow as tf

__all__ = ["next_step_without", "written_out"]

#: The error function as a quotient of polynomials of x^2, times x, for |x| <= 4: Eigen's `generic_fast_erf_float`.
_ERF_LIMIT = 4.0
_ERF_NUMERATOR = (
    -2.72614225801306e-10, 2.77068142495902e-08, -2.10102402082508e-06, -5.69250639462346e-05, -7.34990630326855e-04,
    -2.95459980854025e-03, -1.60960333262415e-02,
)  # fmt: skip
_ERF_DENOMINATOR = (
    -1.45660718464996e-05, -2.13374055278905e-04, -1.68282697438203e-03, -7.37332916720468e-03, -1.42647390514189e-02,
)  # fmt: skip

#: Its inverse as polynomials of w = -log(1 - x^2): Giles, "Approximating the erfinv function", 2010, table 5.
_INVERSE_MIDDLE = (
    2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087, -0.00125372503, -0.00417768164,
    0.246640727, 1.50140941,
)  # fmt: skip
_INVERSE_TAIL = (
    -0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613, 0.00943887047,
    1.00167406, 2.83297682,
)  # fmt: skip

#: The Bessel function I0 in (x / 3.75)^2, and times exp(-x) sqrt(x) in 3.75 / x: Abramowitz and Stegun, 9.8.1 f.
_BESSEL_NEAR = (0.0045813, 0.0360768, 0.2659732, 1.2067492, 3.0899424, 3.5156229, 1.0)
_BESSEL_FAR = (
    0.00392377, -0.01647633, 0.02635537, -0.02057706, 0.00916281, -0.00157565, 0.00225319, 0.01328592, 0.39894228,
)  # fmt: skip

#: Operators that neither format has, nor what could stand for them: advice must not lead from one to the other.
_NOWHERE_NAMES = """
AsString Cholesky Eig ImageProjectiveTransformV3 LogMatrixDeterminant LookupTableFindV2 LuFactor MatrixInverse
MatrixSolve MatrixTriangularSolve Qr SelfAdjointEigV2 StringToHashBucketFast StringToHashBucketStrong Svd
"""
_NOWHERE = frozenset(_NOWHERE_NAMES.split())

Original = Callable[..., Any]


@contextlib.contextmanager
def written_out(format_: Literal["tflite", "onnx"], *, but_for: Collection[str] = ()) -> Iterator[None]:
    """Let what is traced meanwhile use operators of the format only, as far as the table knows how.

    Args:
        format_: see the module.
        but_for: functions that stay as they are.
    """
    with contextlib.ExitStack() as stack:
        for path, instead in _TABLES[format_].items():
            if path in but_for:
                continue
            for place, name in _places(path):
                original = getattr(place, name)
                stack.enter_context(mock.patch.object(place, name, functools.partial(instead, original)))
        yield


def next_step_without(operators: Collection[str], otherwise: str) -> str:
    """Return what a user can do about operators that a format lacks.

    Args:
        operators: TensorFlow's names.
        otherwise: what to do if the other format has them.
    """
    nowhere = sorted(_NOWHERE.intersection(operators))
    if not nowhere:
        return otherwise
    return f"compute {', '.join(nowhere)} outside the model and give it the result as an input: ONNX and TFLite lack it"


def _places(path: str) -> Iterator[tuple[Any, str]]:
    """Yield the modules that hold a function, and its name; tf_keras reads TensorFlow's public names elsewhere."""
    module, _, name = path.rpartition(".")
    if module == "keras":
        yield importlib.import_module("keras.src.backend.tensorflow.math"), name
    elif module.startswith("python."):
        yield importlib.import_module(f"tensorflow.{module}"), name
    else:
        tensorflow = importlib.import_module("tensorflow")
        for root in (tensorflow, tensorflow.compat.v2):
            yield functools.reduce(getattr, module.split("."), root), name


def _always(function: Original) -> Callable[..., tf.Tensor]:
    """Return what calls `function` whatever stood in its place."""

    def call(*arguments: object, **named: object) -> tf.Tensor:
        return function(*arguments[1:], **named)

    return call


def _polynomial(coefficients: tuple[float, ...], x: tf.Tensor) -> tf.Tensor:
    """Return the value by Horner's scheme, the coefficient of the highest power first."""
    value = coefficients[0] * x + coefficients[1]
    for coefficient in coefficients[2:]:
        value = value * x + coefficient
    return value


def _erf(original: Original, x: tf.Tensor, name: str | None = None) -> tf.Tensor:
    import tensorflow as tf

    x = tf.convert_to_tensor(x)
    if x.dtype != tf.float32:
        return original(x, name=name)
    clipped = tf.clip_by_value(x, -_ERF_LIMIT, _ERF_LIMIT)
    square = clipped * clipped
    return clipped * _polynomial(_ERF_NUMERATOR, square) / _polynomial(_ERF_DENOMINATOR, square)


def _erfc(original: Original, x: tf.Tensor, name: str | None = None) -> tf.Tensor:
    return 1.0 - _erf(original, x, name)


def _erfinv(original: Original, x: tf.Tensor, name: str | None = None) -> tf.Tensor:
    import tensorflow as tf

    x = tf.convert_to_tensor(x)
    if x.dtype != tf.float32:
        return original(x, name=name)
    w = -tf.math.log((1.0 - x) * (1.0 + x))
    middle = _polynomial(_INVERSE_MIDDLE, w - 2.5)
    tail = _polynomial(_INVERSE_TAIL, tf.sqrt(tf.maximum(w, 5.0)) - 3.0)
    ends = tf.where(tf.abs(x) < 1.0, x, x * math.inf)
    return tf.where(w < 5.0, middle, tail) * ends


def _bessel_i0(original: Original, x: tf.Tensor, name: str | None = None) -> tf.Tensor:
    import tensorflow as tf

    x = tf.convert_to_tensor(x)
    if x.dtype != tf.float32:
        return original(x, name=name)
    size = tf.abs(x)
    near = _polynomial(_BESSEL_NEAR, tf.square(tf.minimum(size, 3.75) / 3.75))
    far = tf.maximum(size, 3.75)
    return tf.where(size < 3.75, near, tf.exp(far) * tf.math.rsqrt(far) * _polynomial(_BESSEL_FAR, 3.75 / far))


def _log1p(original: Original, x: tf.Tensor, name: str | None = None) -> tf.Tensor:
    """Return log(1 + x): what rounding 1 + x loses is made good by a quotient (Goldberg, 1991, theorem 4)."""
    import tensorflow as tf

    x = tf.convert_to_tensor(x)
    if x.dtype != tf.float32:
        return original(x, name=name)
    whole = 1.0 + x
    rounded = whole - 1.0
    is_small = tf.equal(rounded, 0.0)
    return tf.where(is_small, x, tf.math.log(whole) * (x / tf.where(is_small, tf.ones_like(x), rounded)))


def _pool_volume(x: tf.Tensor, ksize: Sequence[int], strides: Sequence[int], padding: str, name: str) -> tf.Tensor:
    """Pool `[N, D, H, W, C]` over rows and columns, then over depth."""
    import tensorflow as tf

    pool = tf.nn.max_pool2d if name == "max" else tf.nn.avg_pool2d
    _, depth, height, width, channels = x.shape
    planes = tf.reshape(x, [-1, height, width, channels])
    planes = pool(planes, list(ksize[2:4]), list(strides[2:4]), padding)
    rows, columns = planes.shape[1:3]
    stacks = tf.reshape(planes, [-1, depth, rows * columns, channels])
    pooled = pool(stacks, [ksize[1], 1], [strides[1], 1], padding)
    return tf.reshape(pooled, [-1, pooled.shape[1], rows, columns, channels])


def _pooling(kind: str) -> Callable[..., tf.Tensor]:
    def pool(
        original: Original,
        input: tf.Tensor,
        ksize: Sequence[int],
        strides: Sequence[int],
        padding: str,
        data_format: str = "NDHWC",
        name: str | None = None,
    ) -> tf.Tensor:
        is_known = None not in tuple(input.shape)[1:] and padding in ("SAME", "VALID")
        one = [sizes[place] for sizes in (ksize, strides) for place in (0, 4)]
        if data_format != "NDHWC" or not is_known or any(size != 1 for size in one):
            return original(input, ksize, strides, padding, data_format=data_format, name=name)
        return _pool_volume(input, ksize, strides, padding, kind)

    return pool


def _conv3d(original: Original, input: tf.Tensor, filter: tf.Tensor, *args: object, **kwargs: object) -> tf.Tensor:
    import tensorflow as tf

    num_groups = int(input.shape[-1]) // int(filter.shape[3])
    if num_groups < 2 or kwargs.get("data_format", "NDHWC") != "NDHWC":
        return original(input, filter, *args, **kwargs)
    kwargs = {key: value for key, value in kwargs.items() if key != "name"}
    parts = zip(tf.split(input, num_groups, axis=-1), tf.split(filter, num_groups, axis=-1), strict=True)
    return tf.concat([original(part, kernel, *args, **kwargs) for part, kernel in parts], axis=-1)


def _convolution(
    original: Original, input: tf.Tensor, filters: tf.Tensor, *args: object, **kwargs: int | Sequence[int] | str | None
) -> tf.Tensor:
    """Dilate a convolution of volumes itself: TensorFlow parts volumes into batches, which TFLite does for images."""
    from tensorflow.python.ops import gen_nn_ops

    dilations = kwargs.get("dilations") or 1
    is_volume = len(input.shape) == 5 and kwargs.get("data_format") in (None, "NDHWC")
    if args or not is_volume or dilations in (1, [1] * 3, (1,) * 3):
        return original(input, filters, *args, **kwargs)
    steps, spread = ([size] * 3 if isinstance(size, int) else size for size in (kwargs.get("strides") or 1, dilations))
    padding = kwargs.get("padding", "VALID")
    return gen_nn_ops.conv3d(input, filters, [1, *steps, 1], padding, dilations=[1, *spread, 1])


def _resize(
    original: Original,
    images: tf.Tensor,
    size: tf.types.experimental.TensorLike,
    method: str = "bilinear",
    preserve_aspect_ratio: bool = False,
    antialias: bool = False,
    name: str | None = None,
) -> tf.Tensor:
    """Resize images `[N, H, W, C]` by a product with a matrix for each axis, where no kernel has the interpolation.

    The matrices are what TensorFlow makes of the rows of identity matrices.
    """
    import numpy as np
    import tensorflow as tf

    images = tf.convert_to_tensor(images)
    goal = _known_size(size)
    is_known = goal is not None and images.shape.rank == 4 and None not in tuple(images.shape)[1:]
    has_kernel = method in ("area", "nearest") or (method == "bilinear" and not antialias)
    if not is_known or has_kernel or preserve_aspect_ratio:
        return original(images, size, method, preserve_aspect_ratio, antialias, name)
    _, height, width, channels = images.shape
    tall, wide = (int(number) for number in goal)
    with tf.init_scope():
        rows = original(tf.eye(height)[None, :, None, :], (tall, 1), method, antialias=antialias)
        columns = original(tf.eye(width)[None, None, :, :], (1, wide), method, antialias=antialias)
        left, right = np.asarray(rows)[0, :, 0, :].T, np.asarray(columns)[0, 0, :, :].T
    flat = tf.reshape(tf.cast(images, tf.float32), [-1, height, width * channels])
    stretched = tf.transpose(tf.matmul(tf.transpose(flat, [0, 2, 1]), left), [0, 2, 1])
    lines = tf.transpose(tf.reshape(stretched, [-1, tall, width, channels]), [0, 1, 3, 2])
    return tf.transpose(tf.matmul(lines, right), [0, 1, 3, 2])


def _known_size(size: tf.types.experimental.TensorLike) -> Any:
    """Return the value of a size, also where Keras multiplies two constants in the graph; None: not known."""
    import tensorflow as tf

    known = tf.get_static_value(size)
    if known is not None or not tf.is_tensor(size) or tf.executing_eagerly() or size.op.type != "Mul":
        return known
    factors = [tf.get_static_value(factor) for factor in size.op.inputs]
    return None if any(factor is None for factor in factors) else math.prod(factors)


def _atan2(original: Original, y: tf.Tensor, x: tf.Tensor, name: str | None = None) -> tf.Tensor:
    import tensorflow as tf

    y, x = tf.convert_to_tensor(y), tf.convert_to_tensor(x)
    if y.shape.as_list() != x.shape.as_list():
        y, x = y * tf.ones_like(x), x * tf.ones_like(y)
    return original(y, x, name=name)


def _bucketize(input: tf.Tensor, boundaries: Sequence[float]) -> tf.Tensor:
    import tensorflow as tf

    is_reached = tf.expand_dims(tf.cast(input, tf.float32), -1) >= tf.constant(list(boundaries), tf.float32)
    return tf.reduce_sum(tf.cast(is_reached, tf.int32), axis=-1)


def _bincount(
    original: Original,
    arr: tf.Tensor,
    weights: tf.Tensor | None = None,
    minlength: int | tf.Tensor | None = None,
    maxlength: int | tf.Tensor | None = None,
    dtype: tf.DType | None = None,
    name: str | None = None,
    axis: int | None = None,
    binary_output: bool = False,
) -> tf.Tensor:
    """Count the numbers of each row by marks, where as many are counted as there may be."""
    import tensorflow as tf

    dtype = tf.int32 if dtype is None else dtype
    if axis != -1 or not isinstance(maxlength, int) or minlength != maxlength:
        return original(arr, weights, minlength, maxlength, dtype, name, axis, binary_output)
    kind = dtype if weights is None else weights.dtype
    marks = tf.one_hot(tf.cast(arr, tf.int32), maxlength, dtype=tf.float32 if weights is None else kind)
    if weights is not None and not binary_output:
        marks = marks * tf.expand_dims(weights, -1)
    return tf.cast((tf.reduce_max if binary_output else tf.reduce_sum)(marks, axis=-2), kind)


def _rgb_to_hsv(images: tf.Tensor) -> tf.Tensor:
    """Return hue, saturation and value in [0, 1] (Smith, "Color Gamut Transform Pairs", 1978)."""
    import tensorflow as tf

    red, green, blue = tf.split(images, 3, axis=-1)
    value = tf.reduce_max(images, axis=-1, keepdims=True)
    span = value - tf.reduce_min(images, axis=-1, keepdims=True)
    zero, one = tf.zeros_like(value), tf.ones_like(value)
    saturation = tf.where(value > 0.0, span / tf.where(value > 0.0, value, one), zero)
    step = tf.where(span > 0.0, span, one) * 6.0
    of_others = tf.where(tf.equal(green, value), (blue - red) / step + 2.0 / 6.0, (red - green) / step + 4.0 / 6.0)
    hue = tf.where(tf.equal(red, value), (green - blue) / step, of_others)
    hue = tf.where(span > 0.0, tf.where(hue < 0.0, hue + 1.0, hue), zero)
    return tf.concat([hue, saturation, value], axis=-1)


def _hsv_to_rgb(images: tf.Tensor) -> tf.Tensor:
    """Undo `_rgb_to_hsv`: each channel is a trapezium over the hue."""
    import tensorflow as tf

    hue, saturation, value = tf.split(images, 3, axis=-1)
    turns = hue * 6.0
    channels = (tf.abs(turns - 3.0) - 1.0, 2.0 - tf.abs(turns - 2.0), 2.0 - tf.abs(turns - 4.0))
    parts = [((1.0 - saturation) + saturation * tf.clip_by_value(part, 0.0, 1.0)) * value for part in channels]
    return tf.concat(parts, axis=-1)


#: Format -> function of TensorFlow -> what stands for it; it is given the function first.
_TABLES: dict[str, dict[str, Callable[..., Any]]] = {
    "tflite": {
        "image.hsv_to_rgb": _always(_hsv_to_rgb),
        "image.resize": _resize,
        "image.rgb_to_hsv": _always(_rgb_to_hsv),
        "math.atan2": _atan2,
        "math.bessel_i0": _bessel_i0,
        "math.bincount": _bincount,
        "math.erf": _erf,
        "math.erfc": _erfc,
        "math.erfinv": _erfinv,
        "nn.convolution": _convolution,
        "python.ops.gen_nn_ops.avg_pool3d": _pooling("mean"),
        "python.ops.gen_nn_ops.conv3d": _conv3d,
        "python.ops.gen_nn_ops.max_pool3d": _pooling("max"),
    },
    "onnx": {
        "image.hsv_to_rgb": _always(_hsv_to_rgb),
        "image.resize": _resize,
        "image.rgb_to_hsv": _always(_rgb_to_hsv),
        "keras.rfft": _always(signal.rfft),
        "keras.stft": _always(signal.stft),
        "math.bessel_i0": _bessel_i0,
        "math.bincount": _bincount,
        "math.erfinv": _erfinv,
        "math.log1p": _log1p,
        "python.ops.gen_nn_ops.conv3d": _conv3d,
        "python.ops.math_ops.log1p": _log1p,
        "raw_ops.Bucketize": _always(_bucketize),
    },
}
