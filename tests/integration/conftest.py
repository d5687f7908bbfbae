"""Data that several integration tests train on."""

from __future__ import annotations

import os

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

import numpy as np
import pytest

from edgetool.data.dataset import Dataset, Split


@pytest.fixture(scope="session")
def digits_8x8() -> Dataset:
    """scikit-learn's digits, [N, 8, 8, 1] in 0..1: 1,200 to train on, 597 to validate on, no test split."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    x = digits.images[..., None].astype(np.float32) / 16
    train, val = (Split(name, (x[part],), digits.target[part]) for name, part in PARTS.items())
    return Dataset("digits", train, val, None)


PARTS = {"train": slice(1200), "val": slice(1200, None)}
