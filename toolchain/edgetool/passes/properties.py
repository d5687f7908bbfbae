"""Measure in a kernel what passes ensure: zeros, unique values, N:M patterns."""

from __future__ import annotations

import math

import numpy as np

from edgetool.data.dataset import Array

__all__ = ["measure_invariant", "num_unique", "sparsity"]


def sparsity(kernel: Array) -> float:
    """Return the share of elements that are exactly zero, 0..1."""
    return float(np.mean(kernel == 0)) if kernel.size else 0.0


def num_unique(kernel: Array) -> int:
    """Return the number of distinct values."""
    return int(np.unique(kernel).size)


def measure_invariant(kind: str, value: float, kernel: Array) -> tuple[float, bool]:
    """Return what was found of an invariant in `kernel` (Keras layout), and whether it holds.

    Args:
        kind: see `edgetool.passes.base.Invariant`.
        value: what was ensured.
        kernel: `[..., in, out]`; zero must mean zero (subtract a zero point first).
    """
    if kind == "sparsity":
        measured = sparsity(kernel)
        # TF-MOT rounds the number of kept weights: one element of slack.
        return measured, measured >= value - 1.0 / max(kernel.size, 1)
    if kind == "num_clusters":
        count = num_unique(kernel)
        return float(count), count <= value
    if kind == "nonzero":
        measured = float(np.count_nonzero(kernel))
        return measured, measured > 0
    if kind == "n_of_m":
        n = math.floor(value)
        m = round((value - n) * 100)
        worst = _most_nonzero_in_group(kernel, m)
        return float(worst), worst <= n
    raise ValueError(f"unknown invariant {kind!r}")


def _most_nonzero_in_group(kernel: Array, m: int) -> int:
    """Return the largest number of non-zero elements in any group of `m` along the input axis (last but one)."""
    by_input = np.moveaxis(kernel, -2, -1).reshape(-1, kernel.shape[-2])
    usable = by_input.shape[1] // m * m
    if usable == 0:
        return 0
    groups = by_input[:, :usable].reshape(-1, m)
    return int(np.count_nonzero(groups, axis=1).max())
