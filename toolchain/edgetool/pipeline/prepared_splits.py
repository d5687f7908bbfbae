"""Splits in the cache folder of a run, as the stages that run files read them: one `.npy` an array."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgetool.data.dataset import Array, Split
from edgetool.store.atomic import save_array

__all__ = ["read_split", "write_split"]


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
        save_array(cache / f"{split.name}_x{index}.npy", array)
    if split.labels is not None:
        save_array(cache / f"{split.name}_y.npy", split.labels)
    for head, labels in split.heads.items():
        save_array(cache / f"{split.name}_y{head}.npy", labels)
