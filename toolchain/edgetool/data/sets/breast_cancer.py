"""scikit-learn's breast cancer data (UCI "Breast Cancer Wisconsin (Diagnostic)"): bundled, nothing is downloaded."""

from __future__ import annotations

import hashlib

import numpy as np

from edgetool.data.columns import drop_repeats, standardise_table
from edgetool.data.dataset import SPLIT_SEED, Array, Dataset, Split
from edgetool.data.split import split_in_two

__all__ = ["load"]

#: Standard deviations that numbers are clipped to.
LIMIT = 4.0


def load() -> Dataset:
    """Load 569 tumours as standardised float32 `[N, 30]`; label 0: malignant, 1: benign.

    The numbers are mean, standard error and worst value of ten measures of the cell nuclei in an image of a fine
    needle aspirate (radius, texture, perimeter, area, smoothness, compactness, concavity, concave points, symmetry,
    fractal dimension). A stratified quarter is the test split.
    """
    from sklearn.datasets import load_breast_cancer

    bundled = load_breast_cancer()
    rows = np.asarray(bundled.data, np.float32)
    labels = np.asarray(bundled.target, np.int64)
    train, test = split_in_two(Split("all", (rows,), labels), fraction=0.25)
    train, repeats = drop_repeats(train, [test])
    raw = Dataset(
        name="breast-cancer",
        train=train,
        val=None,
        test=test,
        class_names=tuple(str(name) for name in bundled.target_names),
        source="scikit-learn's breast cancer data (UCI Breast Cancer Wisconsin (Diagnostic), Wolberg et al. 1995, "
        "doi 10.24432/C5DW2B, CC BY 4.0)",
        digest=hashlib.sha256(rows.tobytes() + labels.tobytes()).hexdigest(),
        facts={
            "clean": f"{repeats}; no NaN; no value below zero",
            "convert": f"{rows.shape[1]} measures as they are",
            "test split": f"a stratified quarter, seed {SPLIT_SEED}",
        },
    )
    return standardise_table(raw, _convert, limit=LIMIT)


def _convert(rows: Array) -> tuple[Array, Array]:
    return rows, np.zeros((len(rows), 0), np.float32)
