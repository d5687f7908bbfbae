"""Splits that edgetool makes: stratified, seeded, never empty."""

from __future__ import annotations

import numpy as np
import pytest

from edgetool.data.dataset import Dataset, Split
from edgetool.data.split import (
    add_validation_to_train,
    carve_validation,
    choose_part,
    has_classes,
    split_in_two,
    take_part_of_test,
)


def test_each_class_gives_the_same_share() -> None:
    labels = np.repeat([0, 1, 2], [100, 50, 10])
    chosen = choose_part(labels, 160, 0.2)
    assert [int(chosen[labels == label].sum()) for label in range(3)] == [20, 10, 2]


def test_the_choice_is_the_same_every_time() -> None:
    labels = np.arange(40) % 4
    np.testing.assert_array_equal(choose_part(labels, 40, 0.25), choose_part(labels, 40, 0.25))
    assert not np.array_equal(np.flatnonzero(choose_part(labels, 40, 0.25)), np.arange(10))


def test_regression_targets_are_not_stratified() -> None:
    assert not has_classes(np.linspace(0, 1, 10))
    assert not has_classes(np.arange(10))  # as many values as samples
    assert int(choose_part(np.linspace(0, 1, 10), 10, 0.3).sum()) == 3


@pytest.mark.parametrize("fraction", [0.0, 0.01, 0.99, 1.0])
def test_no_part_is_ever_empty(fraction: float) -> None:
    chosen = choose_part(np.array([0, 0, 1, 1]), 4, fraction)
    assert 1 <= int(chosen.sum()) <= 3


def test_two_parts_make_the_whole() -> None:
    x = np.arange(20)[:, None]
    train, test = split_in_two(Split("all", (x,), np.arange(20) % 2), fraction=0.2)
    assert (train.name, test.name, test.num_samples) == ("train", "test", 4)
    np.testing.assert_array_equal(np.sort(np.concatenate([train.inputs[0], test.inputs[0]]), axis=0), x)


def test_validation_is_carved_from_train_alone() -> None:
    x = np.arange(20)[:, None]
    test = Split("test", (x,), np.zeros(20, int))
    carved = carve_validation(Dataset("d", Split("train", (x,), np.arange(20) % 2), None, test), fraction=0.1)
    assert carved.train is not None and carved.val is not None
    assert carved.test is test
    assert (carved.train.num_samples, carved.val.num_samples) == (18, 2)
    assert not set(carved.train.inputs[0].ravel()) & set(carved.val.inputs[0].ravel())
    assert carved.facts["validation split"] == "2 samples carved from train, seed 0"


def test_validation_goes_back_into_train_and_test_stays_out_of_it() -> None:
    x = np.arange(20)[:, None]
    test = Split("test", (x + 100,), np.zeros(20, int))
    whole = Dataset("d", Split("train", (x,), np.arange(20)), None, test)
    joined = add_validation_to_train(carve_validation(whole, fraction=0.2))
    assert joined.train is not None and joined.val is None and joined.test is test
    np.testing.assert_array_equal(np.sort(joined.train.inputs[0], axis=0), x)
    np.testing.assert_array_equal(joined.train.labels, joined.train.inputs[0][:, 0])
    assert joined.facts["validation split"] == "none: its 4 samples are trained on"
    assert add_validation_to_train(whole) is whole


def test_a_part_of_the_test_split_is_the_same_one_each_time_and_says_so() -> None:
    test = Split("test", (np.arange(50.0)[:, None],), np.arange(50))
    dataset = Dataset("numbers", None, None, test)
    part = take_part_of_test(dataset, 10)
    assert part.test is not None and part.test.num_samples == 10
    np.testing.assert_array_equal(part.test.labels, part.test.inputs[0][:, 0])
    np.testing.assert_array_equal(part.test.labels, take_part_of_test(dataset, 10).test.labels)  # type: ignore[union-attr]
    assert "10 of 50" in part.facts["evaluated on"]
    assert take_part_of_test(dataset, 50) is dataset
