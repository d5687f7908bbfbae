"""An export keeps no more samples than it uses, and the same ones."""

from __future__ import annotations

import numpy as np
import pytest

from edgetool.data import batching
from edgetool.data.dataset import Dataset, Split
from edgetool.pipeline.bounded_data import keep_what_is_needed
from edgetool.pipeline.probe import NUM_SAMPLES


def split(name: str, num_samples: int) -> Split:
    x = np.arange(num_samples * 6, dtype=np.uint8).reshape(num_samples, 2, 3)
    return Split(name, (x,), np.arange(num_samples), {"1": np.arange(num_samples)})


def test_the_samples_are_those_that_exporters_take() -> None:
    data = Dataset("d", split("train", 900), split("val", 300), split("test", 50))
    kept = keep_what_is_needed(data, 500, seed=3)
    assert kept.train is not None and kept.val is not None and data.train is not None and kept.test is None
    chosen = data.train.take(500, seed=3)
    np.testing.assert_array_equal(kept.train.take(500, seed=3).inputs[0], chosen.inputs[0])
    np.testing.assert_array_equal(kept.train.heads["1"], chosen.labels)
    assert kept.val.num_samples == NUM_SAMPLES


def test_validation_samples_calibrate_where_nothing_else_does() -> None:
    kept = keep_what_is_needed(Dataset("d", None, split("val", 300), None), 200, seed=0)
    assert kept.val is not None and kept.val.num_samples == 200


def test_a_test_split_alone_is_left() -> None:
    data = Dataset("d", None, None, split("test", 50))
    assert keep_what_is_needed(data, 20, seed=0) == data


@pytest.mark.parametrize(("most_bytes", "expected"), [(24 * 70, 70), (24 * 1000, 500), (1, 1)])
def test_large_samples_are_fewer(most_bytes: int, expected: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "SAMPLES_BYTES", most_bytes)
    kept = keep_what_is_needed(Dataset("d", split("train", 900), None, None), 500, seed=0)
    assert kept.train is not None and kept.train.num_samples == expected
