from __future__ import annotations

import numpy as np
import onnx

from edgetool.data.dataset import Split
from edgetool.exporters.onnx_calibrate import clip_range, measure_ranges

TEXT = """
<ir_version: 8, opset_import: ["" : 18]>
g (float[N, 4] x) => (float[N, 4] y) { a = Relu (x) y = Neg (a) }
"""


def test_ranges_of_every_activation() -> None:
    x = np.linspace(-2.0, 4.0, 400, dtype=np.float32).reshape(100, 4)
    ranges = measure_ranges(onnx.parser.parse_model(TEXT), Split("train", (x,)), ["x"])
    assert ranges == {"x": (-2.0, 4.0), "a": (0.0, 4.0), "y": (-4.0, 0.0)}


def test_a_constant_activation_keeps_its_value() -> None:
    x = np.full((3, 4), -1.0, np.float32)
    ranges = measure_ranges(onnx.parser.parse_model(TEXT), Split("train", (x,)), ["x"])
    assert ranges["a"] == (0.0, 0.0)


def test_rare_values_are_clipped_and_common_ones_kept() -> None:
    counts = np.zeros(100, np.int64)
    counts[:10] = 1_000_000
    counts[99] = 1
    low, high = clip_range(counts, 0.0, 1.0)
    assert low == 0.0 and 0.09 <= high <= 0.12
    counts[99] = 10_000
    assert clip_range(counts, 0.0, 1.0)[1] == 1.0
