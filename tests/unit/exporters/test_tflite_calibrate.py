from __future__ import annotations

import numpy as np

from edgetool.exporters.tflite_calibrate import NUM_BINS, _Histogram


def _histogram(values):
    histogram = _Histogram(float(values.min()), float(values.max()), np.zeros(NUM_BINS, np.int64))
    for part in np.array_split(values, 7):
        histogram.add(part)
    return histogram


def test_an_outlier_is_cut():
    values = np.random.default_rng(0).normal(size=200_000).astype(np.float32)
    values[17] = 500.0
    low, high = _histogram(values).clipped()
    assert high < 10.0
    assert -10.0 < low < -3.0


def test_range_without_outliers_stays_almost_whole():
    values = np.random.default_rng(0).uniform(-1, 3, 500_000).astype(np.float32)
    low, high = _histogram(values).clipped()
    assert abs(low + 1) < 0.01
    assert abs(high - 3) < 0.01


def test_few_values_keep_their_whole_range():
    values = np.random.default_rng(0).normal(size=500).astype(np.float32)
    assert _histogram(values).clipped() == (float(values.min()), float(values.max()))


def test_rectified_values_keep_zero():
    values = np.maximum(np.random.default_rng(0).normal(size=300_000), 0).astype(np.float32)
    assert _histogram(values).clipped()[0] == 0.0
