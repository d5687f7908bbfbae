"""Columns of an input that differ so much in size that one integer scale cannot hold them all."""

from __future__ import annotations

import numpy as np

from edgetool.data.dataset import Split

__all__ = ["MIN_STEPS", "uneven_columns"]

#: A column that spans fewer of the steps of its input's scale has lost what tells samples apart.
MIN_STEPS = 12
#: Steps of an integer input, by the bits of activations.
STEPS = {8: 255, 16: 65535}


def uneven_columns(samples: Split, bits: int) -> dict[int, list[int]]:
    """Return input -> columns (along its last axis) that the scale of the whole input would leave too few steps.

    Args:
        samples: The samples of calibration.
        bits: The number of bits of an activation, 8 or 16.
    """
    lost_columns = {}
    for index, values in enumerate(samples.inputs):
        if values.dtype.kind != "f" or values.ndim < 2 or values.size == 0:
            continue
        columns = values.reshape(-1, values.shape[-1])
        spans = columns.max(axis=0) - columns.min(axis=0)
        step = (max(0.0, float(columns.max())) - min(0.0, float(columns.min()))) / STEPS[bits]
        lost = np.flatnonzero((spans > 0.0) & (spans < MIN_STEPS * step))
        if lost.size:
            lost_columns[index] = [int(column) for column in lost]
    return lost_columns
