"""Preprocessing, stated once in a model's card or by options, the same for training, calibration and evaluation."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from edgetool.data.chunks import convert_rows
from edgetool.data.dataset import Array, Dataset, Split

__all__ = ["Preprocessing", "apply", "apply_split"]


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """`y = (x * scale - mean) / std`, in float32, then cast to `dtype`.

    Attributes:
        scale: A factor on the raw values, for example 1/255.
        mean: One value, or one for each channel (last axis), in scaled units.
        std: One value, or one for each channel, in scaled units; never zero.
        dtype: The type that the float model takes, for inputs that are not integers by themselves.
        one_hot: Whether labels become one-hot vectors for training.
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


def apply(dataset: Dataset, preprocessing: Preprocessing, dtypes: Sequence[str] = ()) -> Dataset:
    """Return `dataset` with every input array preprocessed; labels are left as they are.

    Args:
        dataset: raw.
        preprocessing: The preprocessing of floating-point inputs.
        dtypes: what the model takes for each input; see `apply_split`.
    """
    return dataclasses.replace(
        dataset,
        train=None if dataset.train is None else apply_split(dataset.train, preprocessing, dtypes),
        val=None if dataset.val is None else apply_split(dataset.val, preprocessing, dtypes),
        test=None if dataset.test is None else apply_split(dataset.test, preprocessing, dtypes),
    )


def apply_split(split: Split, preprocessing: Preprocessing, dtypes: Sequence[str] = ()) -> Split:
    """Return `split` with every input array preprocessed.

    An input of integers or booleans (codes, identifiers) keeps the type that the model takes. Beside inputs of
    measured values it is not scaled either: the formula is meant for those.

    Args:
        split: raw.
        preprocessing: The preprocessing of floating-point inputs.
        dtypes: what the model takes for each input, NumPy's names; empty: all are floating-point.
    """
    own = [_own_dtype(dtypes[index]) if index < len(dtypes) else None for index in range(len(split.inputs))]
    all_whole = all(dtype is not None for dtype in own)
    inputs = []
    for raw, dtype in zip(split.inputs, own, strict=True):
        if dtype is None:
            inputs.append(convert_rows(raw, partial(_apply_array, preprocessing=preprocessing)))
        elif all_whole:
            whole = dataclasses.replace(preprocessing, dtype=dtype)
            inputs.append(convert_rows(raw, partial(_apply_array, preprocessing=whole)))
        else:
            inputs.append(convert_rows(raw, partial(_cast, dtype=dtype)))
    return dataclasses.replace(split, inputs=tuple(inputs))


def _own_dtype(name: str) -> str | None:
    """Return the type of an input of integers or booleans; None where it is floating-point."""
    return name if np.dtype(name).kind in "iub" else None


def _cast(raw: Array, dtype: str) -> Array:
    return raw.astype(dtype, copy=False)


def _apply_array(raw: Array, preprocessing: Preprocessing) -> Array:
    if preprocessing.scale == 1.0 and not any(preprocessing.mean) and all(s == 1.0 for s in preprocessing.std):
        return raw.astype(preprocessing.dtype, copy=False)
    values = raw.astype(np.float32) * np.float32(preprocessing.scale)
    values -= np.asarray(preprocessing.mean, np.float32)
    values /= np.asarray(preprocessing.std, np.float32)
    return values.astype(preprocessing.dtype, copy=False)
