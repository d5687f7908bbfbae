"""Find and load a data set: a file, an image folder, a function, or a name; then check it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edgetool.data.check import check_dataset, check_fits
from edgetool.data.dataset import SPLIT_SEED, Dataset, Split
from edgetool.data.named import NAMED_DATA, load_named
from edgetool.errors import DataError, MissingFileError, nearest

__all__ = ["carve_validation", "check_fits", "load_dataset"]

TABLE_SUFFIXES = (".csv", ".parquet")


def load_dataset(
    spec: str,
    *,
    label_column: str | None = None,
    image_size: tuple[int, int] | None = None,
    val_fraction: float = 0.1,
) -> Dataset:
    """Load `spec`, raw: nothing is scaled or normalised.

    Args:
        spec: a `.npz` file, a `.csv` or `.parquet` table, a folder with a sub-folder per class,
            `package.module:function`, or a name of `NAMED_DATA`.
        label_column: the target column of a table (default: its last).
        image_size: height and width that images are resized to (default: the first image's).
        val_fraction: share of the training samples that becomes the validation split where the source has none.

    Raises:
        MissingFileError: nothing of that name.
        DataError: the content does not fit; says where.
        MissingDependencyError: a Parquet file without pyarrow.
        NetworkError: a public download failed.
    """
    loaded = _load(spec, label_column=label_column, image_size=image_size)
    check_dataset(loaded)
    if loaded.train is not None and loaded.val is None and loaded.train.num_samples >= 10:
        loaded = carve_validation(loaded, fraction=val_fraction)
    return loaded


def carve_validation(dataset: Dataset, *, fraction: float) -> Dataset:
    """Return `dataset` with a seeded share of its training split as the validation split, stratified by class."""
    assert dataset.train is not None
    train = dataset.train
    random = np.random.default_rng(SPLIT_SEED)
    chosen = np.zeros(train.num_samples, bool)
    if train.labels is not None and train.labels.ndim == 1 and train.labels.dtype.kind in "iub":
        for label in np.unique(train.labels):
            members = np.flatnonzero(train.labels == label)
            chosen[random.permutation(members)[: round(len(members) * fraction)]] = True
    if not chosen.any():
        chosen[random.permutation(train.num_samples)[: max(1, round(train.num_samples * fraction))]] = True
    return dataclasses.replace(
        dataset,
        train=_select(train, ~chosen, "train"),
        val=_select(train, chosen, "val"),
        facts={
            **dataset.facts,
            "validation split": f"{int(chosen.sum())} samples carved from train, seed {SPLIT_SEED}",
        },
    )


def _select(split: Split, mask: np.ndarray[tuple[int], np.dtype[np.bool_]], name: str) -> Split:
    labels = None if split.labels is None else split.labels[mask]
    return Split(name, tuple(x[mask] for x in split.inputs), labels)


def _load(spec: str, *, label_column: str | None, image_size: tuple[int, int] | None) -> Dataset:
    path = Path(spec)
    if path.is_dir():
        from edgetool.data.images import load_images

        return load_images(path, image_size=image_size)
    if path.is_file():
        return _load_file(path, label_column=label_column)
    if spec in NAMED_DATA:
        return load_named(spec)
    if ":" in spec and not path.suffix:
        from edgetool.data.function import load_function

        return load_function(spec)
    raise MissingFileError(
        spec,
        found="no such file, folder or data set",
        expected="a .npz, .csv or .parquet file, a folder of images, module:function, or a data set name",
        next_step=f"check the path; {nearest(spec, list(NAMED_DATA))}",
    )


def _load_file(path: Path, *, label_column: str | None) -> Dataset:
    if path.suffix == ".npz":
        from edgetool.data.npz import load_npz

        return load_npz(path)
    if path.suffix in TABLE_SUFFIXES:
        from edgetool.data.table import load_table

        return load_table(path, label_column=label_column)
    raise DataError(
        str(path),
        found=f"a file of type {path.suffix or 'without suffix'!r}",
        expected=_listing((".npz", *TABLE_SUFFIXES)),
        next_step="save it as one of these; for anything else give module:function",
    )


def _listing(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"
