"""Splits that edgetool makes itself: stratified where there are classes, always by one seed."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from edgetool.data.dataset import SPLIT_SEED, Array, Dataset, Split

__all__ = [
    "add_validation_to_train",
    "carve_validation",
    "choose_part",
    "has_classes",
    "split_in_two",
    "take_part_of_test",
    "widest_fraction",
]

Mask = npt.NDArray[np.bool_]


def choose_part(labels: Array | None, num_samples: int, fraction: float) -> Mask:
    """Choose a share of the samples by `SPLIT_SEED`: the same share of every class, or of all where there are none.

    Args:
        labels: `[N]` class numbers, or anything else, which is not stratified.
        num_samples: N.
        fraction: 0..1.

    Returns:
        `[N]` True for the chosen: at least one sample, and at least one left over where there are two or more.
    """
    random = np.random.default_rng(SPLIT_SEED)
    chosen = np.zeros(num_samples, bool)
    if labels is not None and has_classes(labels):
        for label in np.unique(labels):
            members = random.permutation(np.flatnonzero(labels == label))
            chosen[members[: round(len(members) * fraction)]] = True
    if not chosen.any() or chosen.all():
        count = min(max(1, round(num_samples * fraction)), max(1, num_samples - 1))
        chosen[:] = False
        chosen[random.permutation(num_samples)[:count]] = True
    return chosen


def has_classes(labels: Array) -> bool:
    """Tell whether `labels` are class numbers of samples: `[N]` whole numbers of an integer type, few of them."""
    return labels.ndim == 1 and labels.dtype.kind in "iub" and np.unique(labels).size <= max(2, len(labels) // 2)


def split_in_two(whole: Split, *, fraction: float) -> tuple[Split, Split]:
    """Return `train` and `test` out of one set of samples; `fraction` of it is the test split."""
    test = choose_part(whole.labels, whole.num_samples, fraction)
    return _select(whole, ~test, "train"), _select(whole, test, "test")


def carve_validation(dataset: Dataset, *, fraction: float) -> Dataset:
    """Return `dataset`, which has a training split, with a share of that as the validation split."""
    assert dataset.train is not None
    chosen = choose_part(dataset.train.labels, dataset.train.num_samples, fraction)
    fact = f"{int(chosen.sum())} samples carved from train, seed {SPLIT_SEED}"
    return dataclasses.replace(
        dataset,
        train=_select(dataset.train, ~chosen, "train"),
        val=_select(dataset.train, chosen, "val"),
        val_is_carved=True,
        facts={**dataset.facts, "validation split": fact},
    )


def widest_fraction(num_samples: int) -> float:
    """Return the share of training samples to carve for validation where training has seen them all anyway.

    A tenth, or where that is less than 1,000 samples as many as that, but at most 30 %: a split of 30 samples shows
    steps of 3 points, and decisions about half a point want more.
    """
    num_val = max(0.1 * num_samples, min(1000.0, 0.3 * num_samples))
    return num_val / max(1, num_samples)


def add_validation_to_train(dataset: Dataset) -> Dataset:
    """Return `dataset` with its validation samples behind those of train, and no validation split."""
    train, val = dataset.train, dataset.val
    if train is None or val is None:
        return dataset
    labels = None
    if train.labels is not None and val.labels is not None:
        labels = np.concatenate([train.labels, val.labels])
    inputs = tuple(np.concatenate(pair) for pair in zip(train.inputs, val.inputs, strict=True))
    heads = {name: np.concatenate([part, val.heads[name]]) for name, part in train.heads.items() if name in val.heads}
    fact = f"none: its {val.num_samples:,} samples are trained on"
    facts = {**dataset.facts, "validation split": fact}
    return dataclasses.replace(dataset, train=Split("train", inputs, labels, heads), val=None, facts=facts)


def _select(split: Split, mask: Mask, name: str) -> Split:
    return dataclasses.replace(split.select(mask), name=name)


def take_part_of_test(dataset: Dataset, num_samples: int) -> Dataset:
    """Return the data set with at most so many test samples: the same ones for every seed, so that runs compare."""
    test = dataset.test
    if test is None or test.num_samples <= num_samples:
        return dataset
    fact = f"{num_samples:,} of {test.num_samples:,} test samples, drawn at random (seed 0), as --max-test-samples asks"
    facts = {**dataset.facts, "evaluated on": fact}
    return dataclasses.replace(dataset, test=test.take(num_samples, seed=0), facts=facts)
