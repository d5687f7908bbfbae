"""Columns of a table: checked, recoded, one-hot, on a log scale; and the whole table standardised."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from edgetool.data.dataset import Array, Dataset, Split
from edgetool.data.split import carve_validation
from edgetool.data.stages import standardise
from edgetool.errors import DataError

__all__ = ["VAL_FRACTION", "check_range", "drop_repeats", "one_hot", "recode", "signed_log", "standardise_table"]

#: Share of the training samples that becomes the validation split, before statistics are taken from the rest.
VAL_FRACTION = 0.1


def check_range(subject: str, values: Array, low: float, high: float, *, unit: str, whole: bool = False) -> None:
    """Refuse values that are missing, outside `low..high`, or not whole where they must be.

    Args:
        subject: the file and the column, for the message.
        values: `[N]`.
        low: smallest value allowed.
        high: largest value allowed.
        unit: what the values are, for the message.
        whole: only whole numbers.

    Raises:
        DataError: names the first bad row.
    """
    good = (values >= low) & (values <= high)
    if whole:
        good &= values == np.rint(values)
    if not good.all():
        row, others = int(np.argmin(good)), int((~good).sum()) - 1
        raise DataError(
            subject,
            found=f"{values[row]:g} in row {row + 1}{f' and {others} more such values' if others else ''}",
            expected=f"{'whole ' if whole else ''}{unit}, {low:g} to {high:g}",
            next_step="get the file again, or correct unit and coding",
        )


def recode(values: Array, codes: Sequence[float], to: float) -> tuple[Array, int]:
    """Return a copy in which each of `codes` is replaced by `to`, and how many values that were."""
    is_known = np.isin(values, codes)
    return np.where(is_known, np.asarray(to, values.dtype), values), int(is_known.sum())


def one_hot(values: Array, codes: Sequence[float]) -> Array:
    """Return float32 `[N, len(codes)]`: 1 where a value of `[N]` is that code, else 0."""
    indicators: Array = (values[:, None] == np.asarray(codes)).astype(np.float32)
    return indicators


def signed_log(values: Array) -> Array:
    """Return `sign(x) log(1 + |x|)`, which brings amounts over many powers of ten, debts too, onto one scale."""
    scaled: Array = np.sign(values) * np.log1p(np.abs(values))
    return scaled


def drop_repeats(train: Split, held_out: Sequence[Split]) -> tuple[Split, str]:
    """Return `train` without rows that stand in it before or in a held-out split, and a sentence with the counts.

    A row that another one equals in inputs and label tells nothing new; one whose inputs are tested is no test.
    """
    tested = {row.tobytes() for split in held_out for row in np.ascontiguousarray(split.inputs[0])}
    labels = np.zeros(train.num_samples) if train.labels is None else train.labels
    seen: set[tuple[bytes, float]] = set()
    keep = np.ones(train.num_samples, bool)
    repeats = 0
    for index, row in enumerate(np.ascontiguousarray(train.inputs[0])):
        key = (row.tobytes(), float(labels[index]))
        repeats += key in seen
        keep[index] = key not in seen and key[0] not in tested
        seen.add(key)
    leaks = int((~keep).sum()) - repeats
    words = (
        f"{repeats} training rows dropped that repeat an earlier one, {leaks} whose inputs stand in "
        f"{' or '.join(split.name for split in held_out)} too"
    )
    return Split("train", tuple(x[keep] for x in train.inputs), None if train.labels is None else labels[keep]), words


def standardise_table(dataset: Dataset, convert: Callable[[Array], tuple[Array, Array]], *, limit: float) -> Dataset:
    """Carve the validation split, then turn every row into numbers that one int8 scale holds well.

    Args:
        dataset: raw: one input `[N, columns]` a split, with a training split.
        convert: A function from rows to `(numbers [N, A], indicators [N, B])`; indicators are 0 or 1 and stay so.
        limit: standardised numbers are clipped to so many standard deviations.

    Returns:
        float32 inputs `[N, A + B]`; statistics are those of the training split without the validation split.
    """
    whole = dataset if dataset.val is not None else carve_validation(dataset, fraction=VAL_FRACTION)
    splits = [split for split in (whole.train, whole.val, whole.test) if split is not None]
    parts = [convert(split.inputs[0]) for split in splits]
    scaled, mean, _ = standardise(*(numbers for numbers, _ in parts))
    clipped = int(sum((np.abs(array) > limit).sum() for array in scaled))
    made = {
        split.name: Split(
            split.name,
            (np.concatenate([np.clip(numbers, -limit, limit), indicators], axis=1, dtype=np.float32),),
            split.labels,
        )
        for split, numbers, (_, indicators) in zip(splits, scaled, parts, strict=True)
    }
    total = sum(array.size for array in scaled)
    fact = (
        f"{mean.size} numbers: mean and standard deviation of the {splits[0].num_samples:,} training rows, clipped to "
        f"{limit:g} standard deviations ({clipped:,} of {total:,} values), so that one int8 scale holds them"
    )
    indicators = parts[0][1].shape[1]
    return dataclasses.replace(
        whole,
        train=made.get("train"),
        val=made.get("val"),
        test=made.get("test"),
        facts={**whole.facts, "normalise": f"{fact}; {indicators} indicators stay 0 or 1" if indicators else fact},
    )
