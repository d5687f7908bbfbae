"""Batches for `fit`, preprocessed one at a time: the raw data of a split stays as it was loaded.

Imports Keras 3; only the training child reaches this module.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np

from edgetool.data.augment import augment
from edgetool.data.dataset import Array, Split
from edgetool.data.preprocess import Preprocessing, apply_split
from edgetool.errors import TrainingError
from edgetool.passes.base import TrainingSettings
from edgetool.passes.class_weights import weigh_labels
from edgetool.passes.targets import fit_labels, mask_labels
from edgetool.tasks import Task

__all__ = ["Batches", "TrainingBatches", "Watch"]


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """A split, batch by batch, in its own order.

    Labels below 0 of a model that answers at every position weigh nothing. Where several devices share a batch, the
    last one is filled up with samples that weigh nothing.

    Args:
        split: The raw split; without labels the inputs are the targets (reconstruction).
        preprocessing: The preprocessing of the card.
        task: The task, which says how the loss takes labels.
        batch_size: The number of samples in a batch; the last batch may be shorter.
        multiple_of: A number of which every batch size is a multiple.
    """

    def __init__(
        self, split: Split, preprocessing: Preprocessing, task: Task, batch_size: int, *, multiple_of: int = 1
    ) -> None:
        super().__init__(workers=1, use_multiprocessing=False)
        self._split = split
        self._preprocessing = preprocessing
        self._settings = TrainingSettings(loss=task.loss, from_logits=task.from_logits, per_position=task.per_position)
        self._needs_labels = task.needs_labels
        self._batch_size = batch_size
        self._multiple_of = multiple_of

    def __len__(self) -> int:
        return math.ceil(self._split.num_samples / self._batch_size)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        chosen = np.arange(self._split.num_samples)[index * self._batch_size : (index + 1) * self._batch_size]
        batch = self._take(chosen)
        return batch if self._multiple_of == 1 else self._fill_up(*batch)

    def _fill_up(
        self, features: Array | tuple[Array, ...], targets: Array, weights: Array | None = None
    ) -> tuple[Any, ...]:
        """Repeat the last sample, without weight, up to a multiple; the mean over the batch stays what it was."""
        count = len(targets)
        rows = np.minimum(np.arange(count + -count % self._multiple_of), count - 1)
        weights = np.ones(count, np.float32) if weights is None else weights
        weights = weights[rows] * np.float32(len(rows) / count)
        weights[count:] = 0.0
        filled = tuple(x[rows] for x in features) if isinstance(features, tuple) else features[rows]
        return filled, targets[rows], weights

    def _take(self, chosen: Array) -> tuple[Any, ...]:
        """Return inputs, targets and, for labels at every position, weights of the samples `chosen`."""
        raw = Split(self._split.name, tuple(x[chosen] for x in self._split.inputs))
        inputs = apply_split(raw, self._preprocessing).inputs
        features = inputs[0] if len(inputs) == 1 else inputs
        if self._split.labels is None or not self._needs_labels:
            return features, inputs[0]
        labels = fit_labels(self._split.labels[chosen], self._settings)
        if not self._settings.per_position:
            return features, labels
        one_score = self._settings.loss == "binary_crossentropy"
        targets, weights = mask_labels(labels, one_score=one_score)
        if weights is None:
            weights = np.ones(labels.shape[:-1] if one_score else labels.shape, np.float32)
        return features, targets, weights


class TrainingBatches(Batches):
    """The training split in the order of one epoch: shuffled, augmented, weighed.

    Args:
        split: The raw split.
        preprocessing: The preprocessing of the card.
        task: The task, which says how the loss takes labels.
        batch_size: The number of samples in a batch; the last batch may be shorter.
        order: The order in which samples are taken.
        augmentation: The augmentation of the first input. A target that is the input stays as it was.
        seed: The seed of the augmentation and the number of the epoch; the number of the batch is added.
        class_weights: The weight of each class, `[C]`; None if all count the same.
        multiple_of: As for `Batches`; the last batch is filled up with the first samples of the epoch, which count.
    """

    def __init__(
        self,
        split: Split,
        preprocessing: Preprocessing,
        task: Task,
        batch_size: int,
        *,
        order: Array,
        augmentation: tuple[str, ...] = (),
        seed: tuple[int, ...] = (0,),
        class_weights: Array | None = None,
        multiple_of: int = 1,
    ) -> None:
        super().__init__(split, preprocessing, task, batch_size)
        self._order = np.concatenate([order, np.resize(order, -len(order) % multiple_of)])
        self._augmentation = augmentation
        self._seed = seed
        self._class_weights = class_weights

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        chosen = self._order[index * self._batch_size : (index + 1) * self._batch_size]
        features, targets, *weights = self._take(chosen)
        if self._augmentation:
            features, targets = self._augment(features, targets, np.random.default_rng([*self._seed, index]))
        if self._class_weights is None:
            return features, targets, *weights
        return features, targets, weigh_labels(targets, self._class_weights, weights[0] if weights else None)

    def _augment(
        self, features: Array | tuple[Array, ...], targets: Array, random: np.random.Generator
    ) -> tuple[Any, Array]:
        first, *others = features if isinstance(features, tuple) else (features,)
        changed = augment(first, self._augmentation, random)
        return (changed, *others) if others else changed, changed if targets is first else targets


class Watch(keras.callbacks.Callback):  # type: ignore[misc]
    """Reports each batch, times the steps, and stops as soon as the loss is no longer finite.

    Args:
        report: called with the number of batches done in this epoch.
        begin: called when the model is built and the first batch is next.
    """

    def __init__(self, report: Callable[[int], None], begin: Callable[[], None] = lambda: None) -> None:
        super().__init__()
        self._report = report
        self._begin = begin
        self._began = time.monotonic()
        self.train_seconds = 0.0

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:  # noqa: ARG002 - Keras' own
        """Seed what the epoch draws."""
        self._begin()

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Check the running loss of the epoch.

        Raises:
            TrainingError: it is NaN or infinite.
        """
        loss = float((logs or {}).get("loss", 0.0))
        if not math.isfinite(loss):
            raise TrainingError(
                f"batch {batch + 1}",
                found=f"a loss of {loss}",
                expected="a finite loss",
                next_step="give a smaller --learning-rate and --overwrite; look for extreme values in the data",
            )
        self.train_seconds = time.monotonic() - self._began
        self._report(batch + 1)
