"""Adversarial training: a generator learns to draw what a discriminator takes for real (Goodfellow et al. 2014).

The model that is trained and ships is the generator; the discriminator comes from the package's
`build_discriminator(keras)`. Latent vectors are drawn anew for every step: the data's own are for calibration and
evaluation. Imports Keras 3; only the training child reaches this module.
"""

from __future__ import annotations

import importlib
import math
import time
from collections.abc import Callable, Sequence

import keras
import numpy as np

from edgetool.data.dataset import Array
from edgetool.data.load import load_dataset
from edgetool.errors import DataError, ModelCardError, TrainingError
from edgetool.training.fit import reseed
from edgetool.training.procedure import EpochFigures, Workload

__all__ = ["PASSES_PER_EPOCH", "Gan"]

#: Passes over the real samples that count as one epoch: small data sets would write a checkpoint every second.
PASSES_PER_EPOCH = 10

#: Adam's first moment for both models, and the target of real samples: Radford et al. 2015 (DCGAN), section 3, and
#: Salimans et al. 2016 (Improved Techniques for Training GANs), section 3.4.
BETA_1 = 0.5
REAL_TARGET = 0.9


class Gan:
    """Trains the generator `model` against a discriminator.

    Args:
        model: functional, one latent vector in, samples out; made in the devices' scope.
        work: recipe with `real_data`, devices, seed.

    Raises:
        ModelCardError: the card names no real data, or its package has no `build_discriminator`.
        DataError: the real samples have another shape than the generator's.
    """

    def __init__(self, model: keras.Model, work: Workload) -> None:
        self._generator = model
        self._work = work
        self._real = _real_samples(model, work)
        self._latent_size = int(model.inputs[0].shape[-1])
        self._batch_size = min(work.recipe.batch_size, len(self._real))
        self.steps_per_epoch = PASSES_PER_EPOCH * (len(self._real) // self._batch_size)
        with work.devices.scope():
            self._discriminator = _build_discriminator(work)
            self._discriminator.compile(self._optimizer(), self._loss())
            self._discriminator.optimizer.build(self._discriminator.trainable_variables)
            latent = keras.Input((self._latent_size,))
            self._adversarial = keras.Model(latent, self._discriminator(model(latent)))
            self._discriminator.trainable = False
            self._adversarial.compile(self._optimizer(), self._loss())
            self._adversarial.optimizer.build(self._adversarial.trainable_variables)

    def variables(self) -> Sequence[keras.Variable]:
        """Return the variables of both models and of both optimizers."""
        return [
            *self._generator.variables,
            *self._discriminator.variables,
            *self._adversarial.optimizer.variables,
            *self._discriminator.optimizer.variables,
        ]

    def run_epoch(self, number: int, report: Callable[[int], None]) -> EpochFigures:
        """Run epoch `number`; see `edgetool.training.procedure.Procedure`. The loss is the generator's."""
        random = np.random.default_rng([self._work.seed, number])
        for model in (self._generator, self._discriminator):
            reseed(model, random, self._work)
        start, losses = time.monotonic(), []
        order: Array = np.zeros(0, np.int64)
        for step in range(self.steps_per_epoch):
            if len(order) < self._batch_size:
                order = random.permutation(len(self._real))
            chosen, order = order[: self._batch_size], order[self._batch_size :]
            losses.append(self._step(self._real[chosen], random))
            if not all(math.isfinite(loss) for loss in losses[-1]):
                raise TrainingError(
                    f"step {step + 1}",
                    found="losses of {:g} (generator) and {:g} (discriminator)".format(*losses[-1]),
                    expected="finite losses",
                    next_step="give a smaller --learning-rate and --overwrite",
                )
            report(step + 1)
        return EpochFigures(
            loss=float(np.mean([generator for generator, _ in losses])),
            accuracy=None,
            val_loss=None,
            val_accuracy=None,
            train_seconds=time.monotonic() - start,
        )

    def _step(self, real: Array, random: np.random.Generator) -> tuple[float, float]:
        """Take one step of each model; returns the generator's and the discriminator's loss."""
        count = len(real)
        drawn = self._generator(self._latent(count, random), training=True)
        generated = np.asarray(keras.ops.convert_to_numpy(drawn), np.float32)
        targets = np.concatenate([np.full((count, 1), REAL_TARGET), np.zeros((count, 1))]).astype(np.float32)
        self._discriminator.trainable = True
        loss = self._discriminator.train_on_batch(np.concatenate([real, generated]), targets)
        self._discriminator.trainable = False
        # What the discriminator should say of generated samples, as the generator wants it: real.
        wanted = np.ones((count, 1), np.float32)
        adversarial = self._adversarial.train_on_batch(self._latent(count, random), wanted)
        return float(np.ravel(adversarial)[0]), float(np.ravel(loss)[0])

    def _latent(self, count: int, random: np.random.Generator) -> Array:
        return random.standard_normal((count, self._latent_size)).astype(np.float32)

    def _optimizer(self) -> keras.optimizers.Optimizer:
        return keras.optimizers.Adam(self._work.recipe.learning_rate, beta_1=BETA_1)

    @staticmethod
    def _loss() -> keras.losses.Loss:
        return keras.losses.BinaryCrossentropy(from_logits=True)


def _real_samples(model: keras.Model, work: Workload) -> Array:
    """Return the samples to imitate, float32; whole numbers 0..255 become 0..1."""
    if not work.recipe.real_data:
        raise ModelCardError(
            work.card.name,
            found="procedure 'gan' without training.real_data",
            expected="the data set to imitate",
            next_step="name it in the card",
        )
    dataset = load_dataset(work.recipe.real_data)
    shape = tuple(model.outputs[0].shape[1:])
    if dataset.train is None or dataset.train.inputs[0].shape[1:] != shape:
        found = "no training split" if dataset.train is None else f"samples {list(dataset.train.inputs[0].shape[1:])}"
        raise DataError(
            f"real_data {dataset.name}",
            found=found,
            expected=f"samples of shape {list(shape)}, as {work.card.name} gives",
            next_step="name other data in the card",
        )
    samples = dataset.train.inputs[0]
    return samples.astype(np.float32) / np.float32(255.0 if samples.dtype == np.uint8 else 1.0)


def _build_discriminator(work: Workload) -> keras.Model:
    try:
        build = importlib.import_module(work.card.package).build_discriminator
    except (ImportError, AttributeError, ValueError) as exc:
        raise ModelCardError(
            work.card.name,
            found=f"no discriminator ({exc})",
            expected=f"a function build_discriminator(keras) in {work.card.package or 'its package'}",
            next_step="add it to the package's __init__.py",
        ) from None
    return build(keras)
