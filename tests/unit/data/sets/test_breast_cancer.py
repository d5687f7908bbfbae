"""The bundled breast cancer data: a stratified quarter to test on, standardised by the training rows."""

from __future__ import annotations

import numpy as np

from edgetool.data.load import load_dataset


def test_the_splits_are_stratified_and_standardised() -> None:
    data = load_dataset("breast-cancer")
    assert data.train is not None and data.val is not None and data.test is not None
    assert [split.num_samples for split in (data.train, data.val, data.test)] == [384, 43, 142]
    assert data.class_names == ("malignant", "benign")
    for split in (data.train, data.val, data.test):
        assert split.labels is not None and 0.60 < split.labels.mean() < 0.66
        assert split.inputs[0].shape[1] == 30 and np.abs(split.inputs[0]).max() <= 4.0
    assert np.abs(data.train.inputs[0].mean(axis=0)).max() < 0.05
    assert np.abs(data.train.inputs[0].std(axis=0) - 1).max() < 0.3, "clipping takes some of it"
    assert np.abs(data.test.inputs[0].mean(axis=0)).max() > 1e-3, "not the test split's own statistics"


def test_it_is_the_same_every_time() -> None:
    first, second = load_dataset("breast-cancer"), load_dataset("breast-cancer")
    assert first.digest == second.digest and first.test is not None and second.test is not None
    np.testing.assert_array_equal(first.test.inputs[0], second.test.inputs[0])
