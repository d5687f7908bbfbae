"""Batches for `fit`, preprocessed one at a time: the raw data of a split stays as it was loaded.

Imports Keras 3; only the training child reaches this module.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np

from edgetool.data.dataset import Array, Split
from edgetool.data.preprocess import Preprocessing, apply_split
from edgetool.errors import TrainingError

__all__ = ["Batches", "Watch"]


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """A split, batch by batch.

    Args:
        split: raw; without labels the inputs are the targets (reconstruction).
        preprocessing: of the card.
        batch_size: samples of a batch; the last one may be shorter.
        order: the samples' order; None: as they are.
    """

    def __init__(
        self, split: Split, preprocessing: Preprocessing, batch_size: int, *, order: Array | None = None
    ) -> None:
        super().__init__(workers=1, use_multiprocessing=False)
        self._split = split
        self._preprocessing = preprocessing
        self._batch_size = batch_size
        self._order = np.arange(split.num_samples) if order is None else order

    def __len__(self) -> int:
        return math.ceil(self._split.num_samples / self._batch_size)

    def __getitem__(self, index: int) -> tuple[Any, Array]:
        chosen = self._order[index * self._batch_size : (index + 1) * self._batch_size]
        labels = None if self._split.labels is None else self._split.labels[chosen]
        raw = Split(self._split.name, tuple(x[chosen] for x in self._split.inputs), labels)
        inputs = apply_split(raw, self._preprocessing).inputs
        features = inputs[0] if len(inputs) == 1 else inputs
        return features, inputs[0] if labels is None else labels


class Watch(keras.callbacks.Callback):  # type: ignore[misc]
    """Reports each batch, and stops as soon as the loss is no longer finite.

    Args:
        report: called with the number of batches done in this epoch.
    """

    def __init__(self, report: Callable[[int], None]) -> None:
        super().__init__()
        self._report = report

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
        self._report(batch + 1)
