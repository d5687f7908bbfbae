from __future__ import annotations

import numpy as np
import onnx
import pytest

from edgetool.data.dataset import Split
from edgetool.errors import ExportError
from edgetool.exporters.onnx.quantize import calibrate as onnx_calibrate
from edgetool.exporters.onnx.quantize.calibrate import clip_range, measure_ranges, run_activations, usable_ranges

TEXT = """
<ir_version: 8, opset_import: ["" : 18]>
g (float[N, 4] x) => (float[N, 4] y) { a = Relu (x) y = Neg (a) }
"""


def test_ranges_of_every_activation() -> None:
    x = np.linspace(-2.0, 4.0, 400, dtype=np.float32).reshape(100, 4)
    [ranges] = measure_ranges(onnx.parser.parse_model(TEXT), Split("train", (x,)), ["x"], tails=(1e-5,))
    assert ranges == {"x": (-2.0, 4.0), "a": (0.0, 4.0), "y": (-4.0, 0.0)}


def test_a_constant_activation_keeps_its_value() -> None:
    x = np.full((3, 4), -1.0, np.float32)
    [ranges, _] = measure_ranges(onnx.parser.parse_model(TEXT), Split("train", (x,)), ["x"])
    assert ranges["a"] == (0.0, 0.0)


def test_rare_values_are_clipped_and_common_ones_kept() -> None:
    counts = np.zeros(100, np.int64)
    counts[:10] = 1_000_000
    counts[99] = 1
    low, high = clip_range(counts, 0.0, 1.0, 1e-5)
    assert low == 0.0 and 0.09 <= high <= 0.12
    counts[99] = 10_000
    assert clip_range(counts, 0.0, 1.0, 1e-5)[1] == 1.0


def test_a_long_tail_is_cut_and_the_rest_kept() -> None:
    x = np.random.default_rng(0).normal(size=(50_000, 4)).astype(np.float32)
    x[0, 0] = 1000.0
    low, high = measure_ranges(onnx.parser.parse_model(TEXT), Split("train", (x,)), ["x"])[0]["a"]
    assert low == 0.0 and 3.0 < high < 10.0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_activations_without_a_range_are_an_export_error(bad: float) -> None:
    x = np.ones((30, 4), np.float32)
    x[25, 1] = bad
    with pytest.raises(ExportError, match=r"'(a|x)'"):
        measure_ranges(onnx.parser.parse_model(TEXT), Split("train", (x,)), ["x"])


def test_the_widest_range_of_float32() -> None:
    x = np.array([[-3e38, 3e38, 0.0, 1.0]], np.float32)
    low, high = measure_ranges(onnx.parser.parse_model(TEXT), Split("train", (x,)), ["x"])[0]["y"]
    assert np.isfinite([low, high]).all() and low < -1e38 and high == 0.0


def test_marks_of_masks_have_no_range() -> None:
    ranges = {"scores": (-9.0, 11.0), "masked": (-1e9, 11.0), "offset": (0.0, 2e6)}
    assert usable_ranges(ranges) == {"scores": (-9.0, 11.0)}


def test_activations_beyond_the_memory_come_in_parts_with_the_same_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
    whole = measure_ranges(onnx.parser.parse_model(TEXT), Split("train", (x,)), ["x"])
    monkeypatch.setattr(onnx_calibrate, "ACTIVATION_BYTES", 20)
    model = onnx.parser.parse_model(TEXT)
    assert measure_ranges(model, Split("train", (x,)), ["x"]) == whole
    batches = list(run_activations(model, Split("train", (x,)), ["x"], ["x", "a", "y"]))
    assert [sorted(batch) for batch in (batches[0], batches[-1])] == [["a", "x"], ["y"]]
    assert all(len(values) == 1 for batch in batches for values in batch.values())
    assert len(batches) == 60


def test_batches_shrink_before_activations_are_parted(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.zeros((30, 4), np.float32)
    monkeypatch.setattr(onnx_calibrate, "ACTIVATION_BYTES", 3 * 2 * 16)
    batches = list(run_activations(onnx.parser.parse_model(TEXT), Split("train", (x,)), ["x"], ["a", "y"]))
    assert [len(batch["a"]) for batch in batches] == [3] * 10
