"""Where a model takes channels first: data are always given channels last, `[N, H, W, C]` or `[N, L, C]`."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence

import numpy as np

from edgetool.data.chunks import convert_rows
from edgetool.data.dataset import Array, Dataset, Split

__all__ = ["as_data", "channels_first", "move_channels", "move_split", "to_channels_last"]


def channels_first(dataset: Dataset, input_shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """Return the inputs whose data fit the model only with their last axis moved behind the batch.

    Data of the model's own shape are taken as they are, so nothing is turned where both readings fit.

    Args:
        dataset: raw.
        input_shapes: The shapes of the model's inputs, with -1 for open dimensions; the first dimension is the batch.
    """
    split = next((part for part in (dataset.train, dataset.val, dataset.test) if part is not None), None)
    if split is None or len(split.inputs) != len(input_shapes):
        return ()
    return tuple(
        index
        for index, (array, shape) in enumerate(zip(split.inputs, input_shapes, strict=True))
        if len(shape) > 2 and not _fits(array.shape, shape) and _fits(array.shape, as_data(shape, True))
    )


def as_data(shape: tuple[int, ...], turned: bool) -> tuple[int, ...]:
    """Return the shape of the data for a model's input: channels last where it is `turned`."""
    return (shape[0], *shape[2:], shape[1]) if turned else shape


def move_channels(dataset: Dataset, inputs: Collection[int]) -> Dataset:
    """Return `dataset` with the channels of some inputs moved behind the batch, and a fact that says so."""
    if not inputs:
        return dataset
    parts = {
        name: None if part is None else move_split(part, inputs)
        for name, part in (("train", dataset.train), ("val", dataset.val), ("test", dataset.test))
    }
    named = ", ".join(str(index) for index in sorted(inputs))
    fact = f"input {named}: channels moved behind the batch, [N, C, ...], as the model takes them"
    return dataclasses.replace(dataset, **parts, facts={**dataset.facts, "layout": fact})  # type: ignore[arg-type]


def move_split(split: Split, inputs: Collection[int]) -> Split:
    """Return `split` with the channels of some inputs moved behind the batch."""
    return dataclasses.replace(
        split, inputs=tuple(_moved(x) if index in inputs else x for index, x in enumerate(split.inputs))
    )


def to_channels_last(dataset: Dataset) -> Dataset:
    """Return `dataset`, whose arrays are `[N, C, ...]`, with the channels of every input moved to the last axis.

    Arrays of two axes, as tables have, are left as they are.
    """
    parts = {
        name: None if part is None else dataclasses.replace(part, inputs=tuple(_last(x) for x in part.inputs))
        for name, part in (("train", dataset.train), ("val", dataset.val), ("test", dataset.test))
    }
    fact = "data were [N, C, ...]; channels moved to the last axis, as --transpose asks"
    return dataclasses.replace(dataset, **parts, facts={**dataset.facts, "given layout": fact})  # type: ignore[arg-type]


def _last(array: Array) -> Array:
    if array.ndim <= 2:
        return array
    return convert_rows(array, lambda rows: np.ascontiguousarray(np.moveaxis(rows, 1, -1)))


def _moved(array: Array) -> Array:
    return convert_rows(array, lambda rows: np.ascontiguousarray(np.moveaxis(rows, -1, 1)))


def _fits(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    return len(shape) == len(wanted) and all(
        size < 0 or size == other for size, other in zip(wanted[1:], shape[1:], strict=True)
    )
