"""Preprocessing, stated once in a model's card or by options, the same for training, calibration and evaluation."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from edgetool.data.dataset import Array, Dataset, Split

__all__ = ["Preprocessing", "apply", "apply_split"]


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """`y = (x * scale - mean) / std`, in float32, then cast to `dtype`.

    Attributes:
        scale: factor on the raw values, for example 1/255.
        mean: one value, or one per channel (last axis), in scaled units.
        std: likewise; never zero.
        dtype: what the float model takes.
        one_hot: labels are turned into one-hot vectors for training.
    """

    scale: float = 1.0
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    dtype: str = "float32"
    one_hot: bool = False

    def describe(self) -> str:
        """Return the formula in words, for reports."""
        parts = [f"x * {self.scale:g}" if self.scale != 1.0 else "x"]
        if any(self.mean):
            parts.append(f"- {', '.join(f'{m:g}' for m in self.mean)}")
        if any(s != 1.0 for s in self.std):
            parts.append(f"/ {', '.join(f'{s:g}' for s in self.std)}")
        return f"{' '.join(parts)} as {self.dtype}"


def apply(dataset: Dataset, preprocessing: Preprocessing) -> Dataset:
    """Return `dataset` with every input array preprocessed; labels are left as they are."""
    return dataclasses.replace(
        dataset,
        train=None if dataset.train is None else apply_split(dataset.train, preprocessing),
        val=None if dataset.val is None else apply_split(dataset.val, preprocessing),
        test=None if dataset.test is None else apply_split(dataset.test, preprocessing),
    )


def apply_split(split: Split, preprocessing: Preprocessing) -> Split:
    """Return `split` with every input array preprocessed."""
    return dataclasses.replace(split, inputs=tuple(_apply_array(x, preprocessing) for x in split.inputs))


def _apply_array(raw: Array, preprocessing: Preprocessing) -> Array:
    if preprocessing.scale == 1.0 and not any(preprocessing.mean) and all(s == 1.0 for s in preprocessing.std):
        return raw.astype(preprocessing.dtype, copy=False)
    values = raw.astype(np.float32) * np.float32(preprocessing.scale)
    values -= np.asarray(preprocessing.mean, np.float32)
    values /= np.asarray(preprocessing.std, np.float32)
    return values.astype(preprocessing.dtype, copy=False)
