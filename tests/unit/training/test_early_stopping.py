"""When training ends early, and whose weights are taken."""

from __future__ import annotations

import math

import pytest

from edgetool.training.early_stopping import best_epoch, is_over
from edgetool.training.record import EpochRecord


def history(*losses: float | None) -> list[EpochRecord]:
    return [EpochRecord(number, 1.0, None, loss, None, 1.0) for number, loss in enumerate(losses, start=1)]


@pytest.mark.parametrize(
    ("losses", "patience", "best"),
    [
        ((3.0, 1.0, 2.0), 5, 2),
        ((3.0, 1.0, 1.0), 5, 2),  # no better than the first that low
        ((3.0, 1.0, 2.0), 0, 3),  # off
        ((math.nan, 2.0, math.nan), 5, 2),
        ((math.nan, math.inf), 5, 2),
        ((None, None), 5, 2),
    ],
)
def test_the_best_epoch_has_the_lowest_validation_loss(
    losses: tuple[float | None, ...], patience: int, best: int
) -> None:
    assert best_epoch(history(*losses), patience) == best


@pytest.mark.parametrize(
    ("losses", "patience", "over"),
    [
        ((), 2, False),
        ((1.0,), 1, False),
        ((1.0, 2.0), 2, False),
        ((1.0, 2.0, 3.0), 2, True),
        ((3.0, 2.0, 1.0), 2, False),
        ((1.0, 2.0, 3.0, 4.0), 0, False),
    ],
)
def test_training_is_over_after_so_many_epochs_without_a_better_one(
    losses: tuple[float, ...], patience: int, over: bool
) -> None:
    assert is_over(history(*losses), patience) is over
