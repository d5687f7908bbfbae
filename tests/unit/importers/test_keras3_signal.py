"""The constant matrices of Fourier transforms, against NumPy's in double precision."""

from __future__ import annotations

import numpy as np
import pytest

from edgetool.importers.keras3_signal import _inverse_window, _overlaps, _waves, _window


@pytest.mark.parametrize("size", [1, 2, 7, 12])
def test_waves_transform_as_numpy_does(size: int) -> None:
    x = np.random.default_rng(1).normal(size=(3, size))
    cosine, sine = _waves(size, size)
    assert np.allclose(x @ cosine - 1j * (x @ sine), np.fft.fft(x), atol=1e-12)


def test_windows_stand_in_the_middle_of_a_frame() -> None:
    assert np.allclose(_window("hann", 4, 6), [0.0, 0.0, 0.5, 1.0, 0.5, 0.0])
    assert np.allclose(_window("hamming", 2, 2), [0.08, 1.0])
    assert np.allclose(_window([1.0, 2.0], 2, 3), [1.0, 2.0, 0.0])
    assert np.allclose(_window(None, 2, 3), 1.0)


def test_an_inverse_window_undoes_the_window_where_frames_overlap() -> None:
    weights = _window("hamming", 8, 8)
    product = weights * _inverse_window(weights, 2)
    assert np.allclose(product.reshape(4, 2).sum(axis=0), 1.0, atol=1e-6)


@pytest.mark.parametrize(("num_frames", "length", "stride"), [(3, 4, 2), (2, 5, 3), (2, 3, 3)])
def test_each_sample_is_the_sum_of_those_that_overlap(num_frames: int, length: int, stride: int) -> None:
    frames = np.random.default_rng(2).normal(size=(num_frames, length))
    expected = np.zeros(length + stride * (num_frames - 1))
    for index, frame in enumerate(frames):
        expected[index * stride : index * stride + length] += frame
    places = _overlaps(num_frames, length, stride)
    assert np.allclose(np.append(frames.ravel(), 0.0)[places].sum(axis=1), expected)
