"""Augmentation: seeded random changes of a batch that leave its labels true.

They follow the preprocessing, so that the zeros that fill what was moved away are zeros of the model's input.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from edgetool.data.dataset import Array
from edgetool.errors import DataError

__all__ = ["AUGMENTATIONS", "augment", "require_augmentable"]

Augmentation = Callable[[Array, np.random.Generator], Array]

#: Pixels that He et al. 2015 (Deep Residual Learning, section 4.2) pad before they crop.
CROP_PADDING = 4

#: Largest shift, as a share of the axis.
MAX_SHIFT = 0.1

#: Standard deviation of added noise, in units of the model's input.
NOISE_STD = 0.05


def augment(batch: Array, names: Sequence[str], random: np.random.Generator) -> Array:
    """Return a batch with every augmentation applied, in order; `batch` is not modified.

    Args:
        batch: preprocessed floats, `[N, ...]`.
        names: keys of `AUGMENTATIONS`.
        random: all randomness comes from it.
    """
    for name in names:
        batch = AUGMENTATIONS[name](batch, random)
    return batch


def require_augmentable(names: Sequence[str], shape: tuple[int, ...], dtype: str) -> None:
    """Refuse augmentations that make no sense for the model's first input.

    Args:
        names: keys of `AUGMENTATIONS`.
        shape: The shape of the input, with the batch.
        dtype: The type of the input after preprocessing.

    Raises:
        DataError: an image augmentation on what is no image, or any on whole numbers (tokens).
    """
    for name in names:
        wanted = (
            "[N, H, W, C]" if name in IMAGE_AUGMENTATIONS else "[N, T, ...]" if name == "time_shift" else "[N, ...]"
        )
        fits = len(shape) == 4 if name in IMAGE_AUGMENTATIONS else len(shape) >= (3 if name == "time_shift" else 2)
        if not fits or not dtype.startswith("float"):
            raise DataError(
                f"augmentation {name!r}",
                found=f"an input of shape [N, {', '.join(str(size) for size in shape[1:])}], {dtype}",
                expected=f"{wanted}, floats",
                next_step="leave it out of the card's training.augmentation or of --augmentation",
            )


def _flip(batch: Array, random: np.random.Generator) -> Array:
    """Mirror every second image, left to right."""
    mirrored = random.random(len(batch)) < 0.5
    return np.where(mirrored[:, None, None, None], batch[:, :, ::-1], batch)


def _crop4(batch: Array, random: np.random.Generator) -> Array:
    """Pad images by four zeros on each side and crop them to their size at a random place."""
    return _moved(batch, (CROP_PADDING, CROP_PADDING), random)


def _shift(batch: Array, random: np.random.Generator) -> Array:
    """Move images by up to a tenth of their height and width; zeros fill the border."""
    return _moved(batch, (_largest_shift(batch.shape[1]), _largest_shift(batch.shape[2])), random)


def _cutout(batch: Array, random: np.random.Generator) -> Array:
    """Blank a square of half the image's side around a random centre (DeVries and Taylor 2017, arXiv 1708.04552)."""
    height, width = batch.shape[1:3]
    half = max(1, min(height, width) // 4)
    rows = np.abs(np.arange(height)[None] - random.integers(height, size=(len(batch), 1))) < half
    columns = np.abs(np.arange(width)[None] - random.integers(width, size=(len(batch), 1))) < half
    blank = rows[:, :, None] & columns[:, None, :]
    return np.where(blank[..., None], np.zeros((), batch.dtype), batch)


def _time_shift(batch: Array, random: np.random.Generator) -> Array:
    """Move each sample along its first axis by up to a tenth of its length; zeros fill the end."""
    flat = batch.reshape(len(batch), batch.shape[1], 1, -1)
    return _moved(flat, (_largest_shift(batch.shape[1]), 0), random).reshape(batch.shape)


def _noise(batch: Array, random: np.random.Generator) -> Array:
    """Add Gaussian noise."""
    return np.asarray(batch + random.normal(0.0, NOISE_STD, batch.shape).astype(batch.dtype))


def _largest_shift(size: int) -> int:
    return max(1, round(size * MAX_SHIFT))


def _moved(batch: Array, largest: tuple[int, int], random: np.random.Generator) -> Array:
    """Return every `[H, W, C]` of a batch moved by its own random number of rows and columns, zeros behind it."""
    count, height, width = batch.shape[:3]
    padded = np.pad(batch, ((0, 0), (largest[0],) * 2, (largest[1],) * 2, (0, 0)))
    tops = random.integers(2 * largest[0] + 1, size=count)
    lefts = random.integers(2 * largest[1] + 1, size=count)
    rows = tops.reshape(-1, 1, 1) + np.arange(height).reshape(1, -1, 1)
    columns = lefts.reshape(-1, 1, 1) + np.arange(width).reshape(1, 1, -1)
    return np.asarray(padded[np.arange(count).reshape(-1, 1, 1), rows, columns])


#: Name, as cards and `--augmentation` spell it -> what it does.
AUGMENTATIONS: dict[str, Augmentation] = {
    "flip": _flip,
    "crop4": _crop4,
    "shift": _shift,
    "cutout": _cutout,
    "time_shift": _time_shift,
    "noise": _noise,
}

IMAGE_AUGMENTATIONS = frozenset({"flip", "crop4", "shift", "cutout"})
