"""Splits in the cache folder of a run, as the stages that run files read them: one `.npy` an array."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from edgetool.data.chunks import let_go
from edgetool.data.dataset import Array, Dataset, Split
from edgetool.records import ValidationSplit
from edgetool.store.atomic import save_array
from edgetool.training.recorded import RecordedTraining

__all__ = ["decided_on", "read_split", "write_split"]


def read_split(cache: Path, name: str) -> Split:
    """Return a prepared split from the cache folder; arrays are mapped, not read."""
    inputs: list[Array] = []
    while (path := cache / f"{name}_x{len(inputs)}.npy").exists():
        inputs.append(np.load(path, mmap_mode="r", allow_pickle=False))
    labels_path = cache / f"{name}_y.npy"
    labels = np.load(labels_path, allow_pickle=False) if labels_path.exists() else None
    heads = {}
    for path in sorted(cache.glob(f"{name}_y[0-9]*.npy")):
        heads[path.stem.removeprefix(f"{name}_y")] = np.load(path, allow_pickle=False)
    return Split(name, tuple(inputs), labels, heads)


def write_split(cache: Path, split: Split) -> None:
    """Write a prepared split to the cache folder, which exists."""
    for index, array in enumerate(split.inputs):
        save_array(cache / f"{split.name}_x{index}.npy", array, partial(let_go, array))
    if split.labels is not None:
        save_array(cache / f"{split.name}_y.npy", split.labels)
    for head, labels in split.heads.items():
        save_array(cache / f"{split.name}_y{head}.npy", labels)


def decided_on(dataset: Dataset, recorded: RecordedTraining | None) -> ValidationSplit | None:
    """Say where the samples come from that decisions are made on; None without labelled validation samples.

    Args:
        dataset: with its splits.
        recorded: how the model was trained, where that is known. Its training kept the same samples apart that are
            carved from the same data again, unless it was asked to train on them too.
    """
    val = dataset.val
    if val is None or val.labels is None:
        return None
    num_answers = val.num_samples
    if val.labels.ndim > 1 and val.labels.dtype.kind in "iu" and not _is_one_hot(val.labels):
        num_answers = int((val.labels >= 0).sum())
    kept_apart = recorded is not None and recorded.data_digest == dataset.digest and not recorded.with_validation
    return ValidationSplit(
        val.num_samples, num_answers, dataset.val_is_carved, dataset.val_is_carved and not kept_apart
    )


def _is_one_hot(labels: Array) -> bool:
    return labels.ndim == 2 and bool((labels.sum(axis=1) == 1).all() and (labels.max(axis=1) == 1).all())
