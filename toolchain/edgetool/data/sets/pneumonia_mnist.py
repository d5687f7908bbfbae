"""PneumoniaMNIST (MedMNIST): chest X-rays of children, 28x28, normal or pneumonia."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgetool.artifact import digest_path
from edgetool.data.columns import check_range, drop_repeats
from edgetool.data.dataset import Dataset, Split
from edgetool.data.download import download, shared_file
from edgetool.data.npz import read_arrays
from edgetool.errors import DataError

__all__ = ["load"]

#: https://doi.org/10.5281/zenodo.10519652 (MD5 28209eda62fecd6e6a2d98b1501bb15f there); the SHA-256 is the one that
#: TensorFlow Datasets holds it to.
URL = "https://zenodo.org/records/10519652/files/pneumoniamnist.npz"
SHA256 = "e1792d3f03751cb101e99f19a63b3c1941436c988665f47853417b05be250cd8"
SOURCE = "PneumoniaMNIST, MedMNIST (Yang et al. 2023, Kermany et al. 2018, doi 10.5281/zenodo.10519652, CC BY 4.0)"

SIZE = 28
SPLITS = ("train", "val", "test")
CLASS_NAMES = ("normal", "pneumonia")


def load() -> Dataset:
    """Load the X-rays as uint8 `[N, 28, 28, 1]`, 0..255; label 1: pneumonia. The three splits are the source's.

    From `$EDGETOOL_DATA/pneumoniamnist.npz` (without 826 normal images of the official training split), or from
    MedMNIST's own file.

    Raises:
        DataError: an array is missing, or images or labels are not what they should be.
        NetworkError: the file is not there and cannot be downloaded.
    """
    path = shared_file("pneumoniamnist.npz")
    if path is not None:
        arrays = read_arrays(path, [f"{kind}_{name}" for name in SPLITS for kind in ("x", "y")])
        raw = [Split(name, (arrays[f"x_{name}"],), arrays[f"y_{name}"]) for name in SPLITS]
    else:
        path = download(URL, sha256=SHA256)
        arrays = read_arrays(path, [f"{name}_{kind}" for name in SPLITS for kind in ("images", "labels")])
        raw = [Split(name, (arrays[f"{name}_images"],), arrays[f"{name}_labels"].reshape(-1)) for name in SPLITS]
    train, val, test = (_prepare(path, split) for split in raw)
    train, repeats = drop_repeats(train, [val, test])
    assert train.labels is not None
    share = float(train.labels.mean())
    return Dataset(
        name="pneumonia-mnist",
        train=train,
        val=val,
        test=test,
        class_names=CLASS_NAMES,
        source=SOURCE,
        digest=digest_path(path),
        facts={
            "clean": f"{repeats}; {share:.0%} of the training images are pneumonia, which training has to balance",
            "convert": f"uint8 [{SIZE}, {SIZE}, 1], grey, 0..255",
        },
    )


def _prepare(path: Path, split: Split) -> Split:
    """Check a split and give its images a channel."""
    images, labels = split.inputs[0], split.labels
    subject = f"{path}: {split.name}"
    if images.dtype != np.uint8 or images.shape[1:] != (SIZE, SIZE) or labels is None or len(labels) != len(images):
        raise DataError(
            subject,
            found=f"{images.dtype} images of shape {list(images.shape)}",
            expected=f"uint8 [N, {SIZE}, {SIZE}], 0..255, and a label each",
            next_step="get the file again",
        )
    check_range(f"{subject}: labels", labels, 0, 1, unit="classes", whole=True)
    return Split(split.name, (images[..., None],), labels.astype(np.int64))
