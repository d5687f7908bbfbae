"""Where the samples come from that files are compared on."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from edgetool.artifact import TensorSpec
from edgetool.data.dataset import Dataset, Split
from edgetool.pipeline.probe import MAX_ELEMENTS, NUM_SAMPLES, parity_split, take_probe

GOLDEN = Path(__file__).parents[2] / "golden" / "models"


def split(name: str, num: int = 100) -> Split:
    return Split(name, (np.full((num, 2), len(name), np.float32),), np.zeros(num, np.int64))


def source(*shape: int, source_format: str = "keras", name: str = "x") -> Any:
    spec = TensorSpec(name, (-1, *shape), "float32")
    model = SimpleNamespace(inputs=[object()], layers=[])
    return SimpleNamespace(
        model=model, inputs=(spec,), source_format=source_format, run=lambda inputs: tuple(2 * x for x in inputs)
    )


def test_validation_comes_before_train_and_test_is_left_alone() -> None:
    both = Dataset("d", split("train"), split("val"), split("test"))
    found, words = parity_split(both, source(2), Path("a.keras"), 10)
    assert (found.num_samples, found.inputs[0][0, 0], found.labels) == (10, 3.0, None)
    assert words == "10 samples of d, val split"
    found, words = parity_split(Dataset("d", split("train"), None, split("test")), source(2), Path("a.keras"), 10)
    assert (found.inputs[0][0, 0], words) == (5.0, "10 samples of d, train split")


def test_samples_are_made_up_where_only_a_test_split_is() -> None:
    found, words = parity_split(Dataset("d", None, None, split("test")), source(2), Path("a.keras"), 10)
    assert (found.name, found.inputs[0].shape) == ("random", (10, 2))
    assert words.startswith("10 random samples")


def test_a_finished_graph_tells_the_range_of_its_inputs() -> None:
    path = GOLDEN / "tiny_int8.tflite"
    imported = source(8, 8, 1, source_format="tflite", name="image")
    found, _ = parity_split(Dataset("d", None, None, None), imported, path, 10)
    assert found.inputs[0].shape == (10, 8, 8, 1)


def test_a_probe_of_large_inputs_is_small() -> None:
    data = Dataset("d", None, split("val"), None)
    assert len(take_probe(data, source(2), Path("a.keras")).inputs[0]) == NUM_SAMPLES
    assert len(take_probe(data, source(MAX_ELEMENTS // 8), Path("a.keras")).inputs[0]) == 8
    probe = take_probe(data, source(2), Path("a.keras"))
    inputs, outputs = probe.first(4)
    np.testing.assert_array_equal(outputs[0], 2 * inputs[0])
