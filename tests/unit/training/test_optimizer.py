"""The learning rate over a run."""

from __future__ import annotations

import itertools
import math

import pytest

from edgetool.training.optimizer import learning_rate_at
from edgetool.zoo import TrainingRecipe


def test_constant_without_warm_up_is_constant() -> None:
    recipe = TrainingRecipe(learning_rate=0.01, epochs=3)
    assert {learning_rate_at(recipe, step, 10) for step in range(30)} == {0.01}


def test_cosine_falls_from_the_rate_to_zero() -> None:
    recipe = TrainingRecipe(learning_rate=0.01, epochs=4, schedule="cosine")
    rates = [learning_rate_at(recipe, step, 10) for step in range(41)]
    assert rates[0] == 0.01 and rates[20] == pytest.approx(0.005) and rates[40] == pytest.approx(0.0, abs=1e-12)
    assert rates == sorted(rates, reverse=True)
    assert rates[10] == pytest.approx(0.01 * 0.5 * (1 + math.cos(math.pi / 4)))


def test_warm_up_rises_evenly_and_then_the_schedule_begins() -> None:
    recipe = TrainingRecipe(learning_rate=0.01, epochs=4, schedule="cosine", warmup_epochs=1.5)
    rates = [learning_rate_at(recipe, step, 10) for step in range(40)]
    steps = [b - a for a, b in itertools.pairwise(rates[:15])]
    assert rates[0] > 0 and steps == pytest.approx([0.01 / 16] * 14)
    assert max(rates) == rates[15] == 0.01


def test_a_run_that_is_shorter_than_its_warm_up_just_rises() -> None:
    recipe = TrainingRecipe(learning_rate=0.01, epochs=1, schedule="cosine", warmup_epochs=3)
    rates = [learning_rate_at(recipe, step, 10) for step in range(10)]
    assert rates == sorted(rates) and rates[-1] < 0.01
