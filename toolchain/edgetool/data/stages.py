"""The four stages that every data set goes through, in words: collect, clean, convert, normalise.

They are facts of a `Dataset`, so that training and compression write them into their records and reports.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator, Sequence

import numpy as np

from edgetool.data.chunks import chunks
from edgetool.data.dataset import Array, Dataset, Split

__all__ = ["STAGES", "complete_stages", "count_duplicates", "standardise"]

#: In order; each is a key of `Dataset.facts`.
STAGES = ("collect", "clean", "convert", "normalise")


def complete_stages(dataset: Dataset) -> Dataset:
    """Return `dataset` with a line for every stage: the loader's own, or what can be said of any data."""
    splits = [split for split in (dataset.train, dataset.val, dataset.test) if split is not None]
    counts = ", ".join(f"{split.name} {split.num_samples:,}" for split in splits)
    shapes = ", ".join(f"{array.dtype} {list(array.shape[1:])}" for array in splits[0].inputs)
    facts = {
        "collect": f"{dataset.source or dataset.name}; {counts}; SHA-256 {dataset.digest[:16]}",
        "clean": f"{count_duplicates(splits):,} samples stand more than once and were kept; no NaN, no infinity",
        "convert": f"inputs {shapes}, as loaded",
        "normalise": "not in the data; the card's preprocessing says how",
    }
    return dataclasses.replace(dataset, facts={**facts, **dataset.facts})


def count_duplicates(splits: Sequence[Split]) -> int:
    """Return how many samples have inputs that an earlier sample, of any split, has as well."""
    seen: set[bytes] = set()
    total = 0
    for split in splits:
        total += split.num_samples
        rows = zip(*(_rows(array) for array in split.inputs), strict=True)
        for values in rows:
            sha = hashlib.blake2b(digest_size=16)
            for value in values:
                sha.update(value.tobytes())
            seen.add(sha.digest())
    return total - len(seen)


def _rows(array: Array) -> Iterator[Array]:
    for part in chunks(array):
        yield from part


def standardise(train: Array, *others: Array) -> tuple[list[Array], Array, Array]:
    """Return `(x - mean) / std` in float32, with the statistics of the training split only.

    Args:
        train: `[N, ..., F]`; statistics are those of each feature of the last axis.
        others: arrays of the same features.

    Returns:
        The arrays in the given order, means `[F]` and standard deviations `[F]` (1 where a feature never changes).
    """
    axes = tuple(range(train.ndim - 1))
    mean = train.mean(axis=axes, dtype=np.float64)
    std = train.std(axis=axes, dtype=np.float64)
    std = np.where(std > 0.0, std, 1.0)
    return [((array - mean) / std).astype(np.float32) for array in (train, *others)], mean, std
