"""Splits: taking samples and going through them in batches."""

from __future__ import annotations

import numpy as np

from edgetool.data.dataset import Split

SPLIT = Split("train", (np.arange(10)[:, None], np.arange(10) * 2), np.arange(10) % 3)


def test_take_keeps_inputs_and_labels_together() -> None:
    few = SPLIT.take(4, seed=1)
    assert few.num_samples == 4
    assert few.labels is not None
    np.testing.assert_array_equal(few.inputs[1], few.inputs[0][:, 0] * 2)
    np.testing.assert_array_equal(few.labels, few.inputs[0][:, 0] % 3)
    assert np.all(np.diff(few.inputs[0][:, 0]) > 0)  # in file order
    np.testing.assert_array_equal(few.inputs[0], SPLIT.take(4, seed=1).inputs[0])


def test_take_without_seed_takes_the_first() -> None:
    np.testing.assert_array_equal(SPLIT.take(3).inputs[1], [0, 2, 4])
    assert SPLIT.take(10) is SPLIT and SPLIT.take(11, seed=0) is SPLIT


def test_batches_cover_every_sample_once() -> None:
    parts = list(SPLIT.batches(4))
    assert [len(inputs[0]) for inputs, _ in parts] == [4, 4, 2]
    np.testing.assert_array_equal(np.concatenate([inputs[1] for inputs, _ in parts]), SPLIT.inputs[1])
    assert all(labels is None for _, labels in Split("x", (np.zeros((3, 1)),)).batches(2))
