"""Data of which an export needs a part: what it calibrates and compares on, within bounded memory."""

from __future__ import annotations

import dataclasses
import math

from edgetool.data.dataset import Dataset, Split
from edgetool.pipeline.probe import NUM_SAMPLES

__all__ = ["MOST_BYTES", "keep_what_is_needed"]

#: What the calibration samples may take in float32, the type that most are preprocessed to: 445 images of 224x224, or
#: 54 of 640x640.
MOST_BYTES = 256 << 20


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
    sample = sum(4 * math.prod(array.shape[1:]) for array in split.inputs)
    fitting = max(1, MOST_BYTES // max(sample, 1))
    return split.take(min(num_samples, fitting), seed=seed)
