"""The usual procedure: Keras' `fit`, one epoch at a time, towards the labels.

The order of samples, augmentation and dropout depend on the seed and the number of the epoch only, so an epoch can be
repeated from the checkpoint before it. Imports Keras 3; only the training child reaches this module.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import keras
import numpy as np

from edgetool.data.augment import require_augmentable
from edgetool.training.batches import Batches, TrainingBatches, Watch
from edgetool.training.class_weights import balanced_weights
from edgetool.training.losses import make_accuracy, make_loss
from edgetool.training.optimizer import make_optimizer
from edgetool.training.procedure import EpochFigures, Workload

__all__ = ["EVALUATION_BATCH", "Fit", "draw_seeds", "reseed"]

EVALUATION_BATCH = 256


class Fit:
    """Trains `model` as the workload's recipe says.

    Args:
        model: functional, untrained; made in the devices' scope.
        work: data, task, recipe, devices, seed.
    """

    def __init__(self, model: keras.Model, work: Workload) -> None:
        self._model = model
        self._work = work
        recipe, task = work.recipe, work.task
        first = model.inputs[0]
        require_augmentable(recipe.augmentation, tuple(first.shape), work.card.preprocessing.dtype)
        self._class_weights = None
        if recipe.balanced:
            self._class_weights = balanced_weights(work.train.labels, task)
        self._validation = None
        if work.val is not None:
            self._validation = Batches(
                work.val, work.card.preprocessing, task, EVALUATION_BATCH, multiple_of=work.devices.num_devices
            )
        self.steps_per_epoch = -(-work.train.num_samples // recipe.batch_size)
        with work.devices.scope():
            optimizer = make_optimizer(recipe, model, self.steps_per_epoch)
            accuracy = make_accuracy(task)
            # Where weights say which labels count (Batches), the accuracy must follow them.
            weighted = task.per_position or work.devices.num_devices > 1
            model.compile(
                optimizer,
                make_loss(task, recipe.label_smoothing),
                metrics=None if weighted else accuracy,
                weighted_metrics=accuracy if weighted else None,
            )
            model.optimizer.build(model.trainable_variables)

    def variables(self) -> Sequence[keras.Variable]:
        """Return the model's variables and the optimizer's."""
        return [*self._model.variables, *self._model.optimizer.variables]

    def run_epoch(self, number: int, report: Callable[[int], None]) -> EpochFigures:
        """Run epoch `number`; see `edgetool.training.procedure.Procedure`."""
        work = self._work
        random = np.random.default_rng([work.seed, number])
        begin = draw_seeds(self._model, random, work)
        batches = TrainingBatches(
            work.train,
            work.card.preprocessing,
            work.task,
            work.recipe.batch_size,
            order=random.permutation(work.train.num_samples),
            augmentation=work.recipe.augmentation,
            seed=(work.seed, number),
            class_weights=self._class_weights,
            multiple_of=work.devices.num_devices,
        )
        watch = Watch(report, begin)
        history = self._model.fit(
            batches,
            epochs=number,
            initial_epoch=number - 1,
            validation_data=self._validation,
            shuffle=False,
            verbose=0,
            callbacks=[watch],
        ).history
        last = {key: float(values[-1]) for key, values in history.items()}
        return EpochFigures(
            loss=last["loss"],
            accuracy=last.get("accuracy"),
            val_loss=last.get("val_loss"),
            val_accuracy=last.get("val_accuracy"),
            train_seconds=watch.train_seconds,
        )


def draw_seeds(model: keras.Model, random: np.random.Generator, work: Workload) -> Callable[[], None]:
    """Draw new states for the generators of dropout and the like; return the function that sets them.

    An epoch then draws the same whether or not it follows a resume. The states must be set when `fit` has begun: its
    first call in a process runs the model once to build it, which draws from the generators too (keras 3.15).
    """
    generators = [variable for variable in model.variables if variable.path.endswith("seed_generator_state")]
    states = [random.integers(2**32, size=tuple(item.shape), dtype=np.uint32) for item in generators]

    def set_states() -> None:
        for variable, state in zip(generators, states, strict=True):
            variable.assign(state & np.uint32(0x7FFFFFFF) if keras.backend.backend() == "torch" else state)
        work.devices.seed(int(states[-1].ravel()[-1]) if states else 0)

    return set_states


def reseed(model: keras.Model, random: np.random.Generator, work: Workload) -> None:
    """Draw new states and set them at once, for procedures that build their models before an epoch begins."""
    draw_seeds(model, random, work)()
