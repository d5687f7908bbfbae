"""Early stopping, as a function of the history: a resumed run comes to the same decisions."""

from __future__ import annotations

import math
from collections.abc import Sequence

from edgetool.training.record import EpochRecord

__all__ = ["best_epoch", "is_over"]


def best_epoch(history: Sequence[EpochRecord], patience: int) -> int:
    """Return the epoch whose weights are to be taken.

    Args:
        history: finished epochs, at least one.
        patience: 0: early stopping is off, and the last epoch is taken.

    Returns:
        The first epoch with the lowest finite validation loss; the last one where there is none.
    """
    losses = [math.inf if epoch.val_loss is None else epoch.val_loss for epoch in history]
    finite = [loss for loss in losses if math.isfinite(loss)]
    if not patience or not finite:
        return history[-1].epoch
    return history[losses.index(min(finite))].epoch


def is_over(history: Sequence[EpochRecord], patience: int) -> bool:
    """Tell whether the last `patience` epochs brought no lower validation loss."""
    return bool(patience and history) and history[-1].epoch - best_epoch(history, patience) >= patience
