"""Data of which an export needs a part: what it calibrates and compares on, within bounded memory."""

from __future__ import annotations

import dataclasses

from edgetool.data.batching import affordable_samples
from edgetool.data.dataset import Dataset, Split
from edgetool.pipeline.probe import NUM_SAMPLES

__all__ = ["keep_what_is_needed"]


def keep_what_is_needed(dataset: Dataset, num_calibration_samples: int, *, seed: int) -> Dataset:
    """Return the samples that an export without training uses, before they are preprocessed.

    The choice of calibration samples is that of the exporters, which take as many with the same seed.

    Args:
        dataset: raw.
        num_calibration_samples: of the training split, or of the validation split where there is none.
        seed: of the run.
    """
    val = dataset.val
    if val is not None:
        val = _at_most(val, num_calibration_samples if dataset.train is None else NUM_SAMPLES, seed=seed)
    train = None if dataset.train is None else _at_most(dataset.train, num_calibration_samples, seed=seed)
    has_other = train is not None or val is not None
    return dataclasses.replace(dataset, train=train, val=val, test=None if has_other else dataset.test)


def _at_most(split: Split, num_samples: int, *, seed: int) -> Split:
    return split.take(affordable_samples([array.shape for array in split.inputs], num_samples), seed=seed)
