"""Metrics at every position: what counts, and the standard error of sequences."""

from __future__ import annotations

import numpy as np
import pytest

from edgetool.evaluate.metrics import score
from edgetool.evaluate.positions import by_sequence, flatten_positions, is_per_position


def test_positions_below_zero_do_not_count() -> None:
    outputs = np.arange(12.0).reshape(2, 3, 2)
    labels = np.array([[1, -1, 0], [-1, 1, -1]])
    assert is_per_position(outputs, labels) and not is_per_position(outputs[:, 0], labels)
    flat, truth, sequences = flatten_positions(outputs, labels)
    np.testing.assert_array_equal(flat, [[0, 1], [4, 5], [8, 9]])
    assert truth.tolist() == [1, 0, 1] and sequences.tolist() == [0, 0, 1]


def test_a_position_a_sequence_gives_the_usual_error() -> None:
    random = np.random.default_rng(0)
    outputs, labels = random.normal(size=(400, 3)), random.integers(0, 3, 400)
    plain = score("nats", outputs, labels, from_logits=True)
    assert by_sequence(plain, np.arange(400)).standard_error == pytest.approx(plain.standard_error)
    single, truth = random.normal(size=(400, 1)), random.integers(0, 2, 400)
    area = score("auc", single, truth)
    assert by_sequence(area, np.arange(400)).standard_error == pytest.approx(area.standard_error, rel=0.01)


def test_positions_that_repeat_each_other_count_once() -> None:
    random = np.random.default_rng(1)
    outputs, labels = random.normal(size=(300, 2)), random.integers(0, 2, 300)
    once = by_sequence(score("accuracy", outputs, labels, from_logits=True), np.arange(300))
    many = score("accuracy", np.repeat(outputs, 5, 0), np.repeat(labels, 5), from_logits=True)
    again = by_sequence(many, np.repeat(np.arange(300), 5))
    assert again.standard_error == pytest.approx(once.standard_error)
    assert many.standard_error < 0.5 * again.standard_error
    assert "300 sequences" in again.method


def test_nats_of_even_odds_are_log_of_the_classes() -> None:
    found = score("nats", np.zeros((6, 4)), np.array([0, 1, 2, 3, 0, 1]), from_logits=True)
    assert found.value == pytest.approx(np.log(4)) and found.standard_error == pytest.approx(0.0)
    assert score("nats", np.full((2, 4), 0.25), np.array([0, 1]), from_logits=False).value == pytest.approx(np.log(4))
