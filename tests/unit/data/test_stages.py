"""The four stages of data: a line each, duplicates counted, statistics from the training split only."""

from __future__ import annotations

import numpy as np

from edgetool.data.dataset import Dataset, Split
from edgetool.data.stages import STAGES, complete_stages, count_duplicates, standardise


def test_every_data_set_has_a_line_for_each_stage_and_keeps_its_loaders_own() -> None:
    x = np.array([[1.0, 2.0], [3.0, 4.0], [1.0, 2.0]], np.float32)
    data = Dataset("d", Split("train", (x,)), None, Split("test", (x[:1],)), source="here", facts={"convert": "mine"})
    facts = complete_stages(data).facts
    assert set(STAGES) <= set(facts) and facts["convert"] == "mine"
    assert facts["collect"].startswith("here; train 3, test 1")
    assert facts["clean"].startswith("2 samples stand more than once")


def test_duplicates_are_those_of_all_inputs_together() -> None:
    a, b = np.array([1, 1, 1]), np.array([1, 2, 1])
    assert count_duplicates([Split("train", (a, b))]) == 1
    assert count_duplicates([Split("train", (a,))]) == 2


def test_statistics_are_those_of_the_training_split() -> None:
    train = np.array([[0.0, 5.0], [4.0, 5.0]])
    (scaled, other), mean, std = standardise(train, np.array([[2.0, 6.0]]))
    np.testing.assert_array_equal(scaled, [[-1.0, 0.0], [1.0, 0.0]])
    np.testing.assert_array_equal(other, [[0.0, 1.0]])
    assert mean.tolist() == [2.0, 5.0] and std.tolist() == [2.0, 1.0] and scaled.dtype == np.float32
