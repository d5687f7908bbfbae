from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgetool.data.dataset import Split
from edgetool.errors import ExportError
from edgetool.exporters.tflite.file import unpack
from edgetool.exporters.tflite.quantize import calibrate as tflite_calibrate
from edgetool.exporters.tflite.quantize.calibrate import NUM_BINS, _Histogram, measure_ranges

TINY = Path(__file__).parents[4] / "golden" / "models" / "tiny_float32.tflite"


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


def test_ranges_of_a_float_file_of_any_origin():
    samples = np.random.default_rng(0).uniform(-1, 1, (50, 4, 4, 2)).astype(np.float32)
    content = TINY.read_bytes()
    graph = unpack(content).subgraphs[0]
    ranges = measure_ranges(content, Split("train", (samples,)))
    image, classes = int(graph.inputs[0]), int(graph.outputs[0])
    assert ranges[image] == (float(samples.min()), float(samples.max()))
    assert 0.0 <= ranges[classes][0] < ranges[classes][1] <= 1.0
    constants = [i for i, tensor in enumerate(graph.tensors) if i not in ranges]
    assert len(constants) >= 4
    rectified = [(low, high) for i, (low, high) in ranges.items() if low == 0.0 and i != classes]
    assert rectified and all(high > 0.0 for _, high in rectified)


def test_an_activation_that_is_not_finite_is_named():
    samples = np.full((4, 4, 4, 2), np.inf, np.float32)
    with pytest.raises(ExportError, match="NaN or infinity"):
        measure_ranges(TINY.read_bytes(), Split("train", (samples,)))


def test_activations_beyond_the_memory_come_in_parts_with_the_same_ranges(monkeypatch):
    samples = np.random.default_rng(0).uniform(-1, 1, (20, 4, 4, 2)).astype(np.float32)
    content = TINY.read_bytes()
    whole = measure_ranges(content, Split("train", (samples,)))
    monkeypatch.setattr(tflite_calibrate, "ACTIVATION_BYTES", 300)
    assert tflite_calibrate.fitting_batch(unpack(content)) == 1
    parted = measure_ranges(content, Split("train", (samples,)))
    assert parted.keys() == whole.keys()
    for index, found in parted.items():
        assert found == pytest.approx(whole[index], abs=1e-5)


def test_the_batch_leaves_room_for_the_patches_of_convolutions(monkeypatch):
    model = unpack(TINY.read_bytes())
    activations = 4 * (4 * 4 * 2 + 2 * 2 * 4 + 16 + 3 + 3)
    patches = 4 * (2 * 2) * (3 * 3 * 2)  # for each pixel that the 3x3 convolution of two channels writes
    monkeypatch.setattr(tflite_calibrate, "ACTIVATION_BYTES", 5 * (activations + patches))
    assert tflite_calibrate.fitting_batch(model) == 5


def test_patches_beyond_the_memory_are_not_kept_together(monkeypatch):
    activations = 4 * (4 * 4 * 2 + 2 * 2 * 4 + 16 + 3 + 3)
    monkeypatch.setattr(tflite_calibrate, "ACTIVATION_BYTES", activations + 1)
    kept = []
    runs = tflite_calibrate._runs

    def watched(*given, keeps_all=True):
        kept.append(keeps_all)
        return runs(*given, keeps_all=keeps_all)

    monkeypatch.setattr(tflite_calibrate, "_runs", watched)
    samples = np.random.default_rng(0).uniform(-1, 1, (2, 4, 4, 2)).astype(np.float32)
    measure_ranges(TINY.read_bytes(), Split("train", (samples,)))
    assert kept.count(False) == 2


def test_a_range_of_few_steps_of_single_precision_is_counted() -> None:
    values = np.float32([1.0, np.nextafter(np.float32(1.0), np.float32(2.0))])
    histogram = _Histogram(float(values.min()), float(values.max()), np.zeros(NUM_BINS, np.int64))
    histogram.add(values)
    assert histogram.counts.sum() == 2
