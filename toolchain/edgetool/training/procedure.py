"""The seam between the loop and what happens in an epoch.

The loop owns folder, checkpoints, resume, early stopping, logs and costs. A procedure owns the mathematics: it makes
optimizers and losses for the model that it is given, and runs one epoch at a time. Another way of training is another
module with a row in `PROCEDURES`, which cards name as `training.procedure`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from edgetool.data.dataset import Split
from edgetool.errors import UnsupportedModelError, nearest
from edgetool.tasks import Task
from edgetool.training.backends import Devices
from edgetool.zoo import ModelCard, TrainingRecipe

if TYPE_CHECKING:
    import keras

__all__ = ["PROCEDURES", "EpochFigures", "Procedure", "Workload", "load_procedure"]

#: Name in a card -> `module:class`; the class is called with (model, workload).
PROCEDURES = {"fit": "edgetool.training.fit:Fit", "gan": "edgetool.training.gan:Gan"}


@dataclass(frozen=True, slots=True)
class Workload:
    """What is to be trained, on what, and how.

    Attributes:
        card: preprocessing, and the package of the builder.
        recipe: the card's, with what options replace.
        train: raw.
        val: raw; None where there is none.
        seed: The seed of everything that an epoch draws, together with the epoch's number.
    """

    card: ModelCard
    task: Task
    recipe: TrainingRecipe
    train: Split
    val: Split | None
    devices: Devices
    seed: int


@dataclass(frozen=True, slots=True)
class EpochFigures:
    """What one epoch came to.

    Attributes:
        loss: mean over the epoch's batches, while the weights moved.
        accuracy: share, 0..1; None for tasks without classes.
        train_seconds: wall time of the steps, without validation.
    """

    loss: float
    accuracy: float | None
    val_loss: float | None
    val_accuracy: float | None
    train_seconds: float


class Procedure(Protocol):
    """One way of training."""

    steps_per_epoch: int

    def variables(self) -> Sequence[keras.Variable]:
        """Return everything that the next epoch depends on: a checkpoint holds these, in this order."""

    def run_epoch(self, number: int, report: Callable[[int], None]) -> EpochFigures:
        """Run epoch `number`, counted from 1; its result depends on the variables, the seed and `number` only.

        Args:
            number: The number of the epoch.
            report: called with the number of steps done.

        Raises:
            TrainingError: the loss is not finite.
        """


def load_procedure(name: str) -> Callable[[keras.Model, Workload], Procedure]:
    """Return the class of the procedure `name`.

    Raises:
        UnsupportedModelError: there is none.
    """
    if name not in PROCEDURES:
        raise UnsupportedModelError(
            f"training.procedure {name!r}",
            found="no such procedure",
            expected="a known one",
            next_step=nearest(name, list(PROCEDURES)),
        )
    module, _, attribute = PROCEDURES[name].partition(":")
    make_procedure: Callable[[keras.Model, Workload], Procedure] = getattr(importlib.import_module(module), attribute)
    return make_procedure
