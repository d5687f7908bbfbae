"""Fourier transforms of `keras.ops` as products with constant matrices: formats lack most, and complex numbers.

Angles are reduced to whole turns in integers and taken in float64, so that matrices are exact to single precision.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from edgetool.data.dataset import Array

if TYPE_CHECKING:
    import tensorflow as tf

__all__ = ["fft", "fft2", "ifft2", "irfft", "istft", "rfft", "stft"]

#: A tensor of real parts and one of imaginary parts.
Pair = tuple[Any, Any]


def fft(x: Pair) -> Pair:
    """Return the transform along the last axis, of a known size."""
    import tensorflow as tf

    real, imaginary = (tf.convert_to_tensor(part) for part in x)
    cosine, sine = _waves(int(real.shape[-1]), int(real.shape[-1]))
    return _times(real, cosine) + _times(imaginary, sine), _times(imaginary, cosine) - _times(real, sine)


def fft2(x: Pair) -> Pair:
    """Return the transform along the last two axes."""
    import tensorflow as tf

    turned = fft(x)
    rows = fft((tf.linalg.matrix_transpose(turned[0]), tf.linalg.matrix_transpose(turned[1])))
    return tf.linalg.matrix_transpose(rows[0]), tf.linalg.matrix_transpose(rows[1])


def ifft2(x: Pair) -> Pair:
    """Return the inverse of `fft2`: the transform of the conjugate, conjugated and divided by its size."""
    real, imaginary = fft2((x[0], -x[1]))
    size = float(int(real.shape[-1]) * int(real.shape[-2]))
    return real / size, -imaginary / size


def rfft(x: tf.Tensor, fft_length: int | None = None) -> Pair:
    """Return the first half of the transform of real numbers along the last axis, cut or filled up with zeros."""
    import tensorflow as tf

    x = tf.convert_to_tensor(x)
    length = int(x.shape[-1]) if fft_length is None else int(fft_length)
    x = x[..., : min(length, int(x.shape[-1]))]
    cosine, sine = _waves(length, length // 2 + 1)
    known = int(x.shape[-1])
    return _times(x, cosine[:known]), -_times(x, sine[:known])


def irfft(x: Pair, fft_length: int | None = None) -> tf.Tensor:
    """Return real numbers whose transform begins with `x`."""
    import tensorflow as tf

    real, imaginary = (tf.convert_to_tensor(part) for part in x)
    length = 2 * (int(real.shape[-1]) - 1) if fft_length is None else int(fft_length)
    num_known = min(length // 2 + 1, int(real.shape[-1]))
    share = np.full(num_known, 2.0 / length)
    share[0] = 1.0 / length
    if length % 2 == 0 and num_known == length // 2 + 1:
        share[-1] = 1.0 / length
    cosine, sine = (wave[:num_known] * share[:, None] for wave in _waves(length // 2 + 1, length, turn=length))
    return _times(real[..., :num_known], cosine) - _times(imaginary[..., :num_known], sine)


def stft(
    x: tf.Tensor,
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    window: str | Array | None = "hann",
    center: bool = True,
) -> Pair:
    """Return the transforms of windows of the last axis; arguments as `keras.ops.stft`."""
    import tensorflow as tf

    x = tf.convert_to_tensor(x)
    if center:
        width = [(0, 0)] * (len(x.shape) - 1) + [(fft_length // 2, fft_length // 2)]
        x = tf.pad(x, width, mode="REFLECT")
    starts = np.arange(0, int(x.shape[-1]) - fft_length + 1, sequence_stride)
    frames = tf.gather(x, (starts[:, None] + np.arange(fft_length)).astype(np.int32), axis=-1)
    weights = _window(window, sequence_length, fft_length)[:, None]
    cosine, sine = _waves(fft_length, fft_length // 2 + 1)
    return _times(frames, weights * cosine), -_times(frames, weights * sine)


def istft(
    x: Pair,
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    length: int | None = None,
    window: str | Array | None = "hann",
    center: bool = True,
) -> tf.Tensor:
    """Return the sum of overlapping windows, undoing `stft`; arguments as `keras.ops.istft`."""
    import tensorflow as tf

    frames = irfft(x, fft_length)
    num_frames = int(frames.shape[-2])
    if window is not None:
        frames = frames * _inverse_window(_window(window, sequence_length, fft_length), sequence_stride)
    size = fft_length + sequence_stride * (num_frames - 1)
    places = _overlaps(num_frames, fft_length, sequence_stride)
    flat = tf.reshape(frames, [-1, *frames.shape[1:-2], num_frames * fft_length])
    padded = tf.pad(flat, [(0, 0)] * (len(flat.shape) - 1) + [(0, 1)])
    whole = tf.reduce_sum(tf.gather(padded, places, axis=-1), axis=-1)
    start = fft_length // 2 if center else 0
    end = size - (fft_length // 2 if center else 0) if length is None else start + length
    return whole[..., start:end]


def _waves(num_times: int, num_turns: int, *, turn: int | None = None) -> tuple[Array, Array]:
    """Return cosines and sines `[times, turns]` of a turn's fractions.

    Args:
        num_times: rows.
        num_turns: columns; a row times a column counts steps.
        turn: steps of a whole turn; default: `num_times`.
    """
    whole = num_times if turn is None else turn
    steps = np.outer(np.arange(num_times, dtype=np.int64), np.arange(num_turns, dtype=np.int64)) % whole
    angles = 2.0 * np.pi * steps / whole
    return np.cos(angles), np.sin(angles)


def _times(x: tf.Tensor, matrix: Array) -> tf.Tensor:
    import tensorflow as tf

    return tf.matmul(x, tf.constant(matrix.astype(np.float32)))


def _window(window: str | Array | None, sequence_length: int, fft_length: int) -> Array:
    """Return the weights of a frame, `[fft_length]`, zeros around those of the sequence."""
    named: dict[str, Callable[[Array], Array]] = {
        "hann": lambda turn: 0.5 - 0.5 * np.cos(turn),
        "hamming": lambda turn: 0.54 - 0.46 * np.cos(turn),
    }
    if window is None:
        return np.ones(fft_length)
    if isinstance(window, str):
        weights = named[window](2.0 * np.pi * np.arange(sequence_length) / sequence_length)
    else:
        weights = np.asarray(window, np.float64)
    before = (fft_length - sequence_length) // 2
    return np.pad(weights, (before, fft_length - sequence_length - before))


def _inverse_window(weights: Array, stride: int) -> Array:
    """Return weights that undo a window where frames overlap (Griffin and Lim, 1984, equation 6)."""
    num_overlaps = -(-len(weights) // stride)
    squares = np.pad(weights**2, (0, num_overlaps * stride - len(weights))).reshape(num_overlaps, stride)
    sums = np.tile(squares.sum(axis=0), num_overlaps)[: len(weights)]
    inverse: Array = (weights / sums).astype(np.float32)
    return inverse


def _overlaps(num_frames: int, length: int, stride: int) -> Array:
    """Return for each sample of the whole the places of its summands among all frames' samples, `[size, most]`.

    What has fewer summands names the place behind the last one, which holds a zero.
    """
    size, most = length + stride * (num_frames - 1), -(-length // stride)
    places = np.full((size, most), num_frames * length, np.int32)
    counts = np.zeros(size, np.int64)
    for frame in range(num_frames):
        samples = np.arange(frame * stride, frame * stride + length)
        places[samples, counts[samples]] = frame * length + np.arange(length)
        counts[samples] += 1
    return places
