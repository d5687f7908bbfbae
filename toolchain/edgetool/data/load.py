"""Find and load a data set: a file, an image folder, a function, or a name; then check it."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

import numpy as np

from edgetool.data.check import check_dataset, check_fits
from edgetool.data.dataset import Array, Dataset, Split
from edgetool.data.named import NAMED_DATA, load_named
from edgetool.data.split import carve_validation, widest_fraction
from edgetool.data.stages import complete_stages
from edgetool.errors import DataError, MissingFileError, nearest
from edgetool.paths import is_there, require_readable

__all__ = ["check_fits", "is_function", "load_dataset", "require_data"]

TABLE_SUFFIXES = (".csv", ".parquet")

#: What data may be, in words.
EXPECTED = "a .npz, .csv or .parquet file, a folder of images, module:function, or a data set name"

#: `package.module:function`.
FUNCTION = r"[^\W\d][\w.]*:[^\W\d]\w*"

#: With fewer training samples than this, no validation split is carved from them.
MIN_TO_CARVE = 10


def is_function(spec: str) -> bool:
    """Tell `package.module:function` from the path of a file."""
    return re.fullmatch(FUNCTION, spec) is not None


def load_dataset(
    spec: str,
    *,
    label_column: str | None = None,
    image_size: tuple[int, int] | None = None,
    val_fraction: float | None = 0.1,
) -> Dataset:
    """Load `spec`, raw: nothing is scaled or normalised.

    Args:
        spec: a `.npz` file, a `.csv` or `.parquet` table, a folder with a sub-folder per class,
            `package.module:function`, or a name of `NAMED_DATA`.
        label_column: the target column of a table (default: its last).
        image_size: height and width that images are resized to (default: the first image's).
        val_fraction: share of the training samples that becomes the validation split where the source has none; None:
            as many as decisions need, see `widest_fraction`.

    Raises:
        MissingFileError: nothing of that name.
        DataError: the content does not fit; says where.
        MissingDependencyError: a Parquet file without pyarrow.
        NetworkError: a public download failed.
    """
    loaded = _load(spec, label_column=label_column, image_size=image_size)
    check_dataset(loaded)
    loaded = _flatten_labels(loaded)
    if not loaded.digest:
        loaded = dataclasses.replace(loaded, digest=_digest(loaded))
    loaded = complete_stages(loaded)
    if loaded.train is not None and loaded.val is None and loaded.train.num_samples >= MIN_TO_CARVE:
        fraction = widest_fraction(loaded.train.num_samples) if val_fraction is None else val_fraction
        loaded = carve_validation(loaded, fraction=fraction)
    return loaded


def _flatten_labels(dataset: Dataset) -> Dataset:
    """Make `[N, 1]` class numbers, as Keras' own data sets have them, `[N]`."""

    def flat(split: Split | None) -> Split | None:
        if split is None:
            return None
        labels = None if split.labels is None else _flat(split.labels)
        return dataclasses.replace(split, labels=labels, heads={name: _flat(v) for name, v in split.heads.items()})

    return dataclasses.replace(dataset, train=flat(dataset.train), val=flat(dataset.val), test=flat(dataset.test))


def _flat(labels: Array) -> Array:
    is_column = labels.ndim == 2 and labels.shape[1] == 1
    return labels[:, 0] if is_column and labels.dtype.kind != "f" else labels


def _digest(dataset: Dataset) -> str:
    """Return a SHA-256 over the arrays, for data that comes from no file."""
    sha = hashlib.sha256()
    for split in (dataset.train, dataset.val, dataset.test):
        if split is not None:
            labels = () if split.labels is None else (split.labels,)
            for array in (*split.inputs, *labels, *split.heads.values()):
                sha.update(f"{split.name} {array.dtype} {array.shape}".encode())
                sha.update(np.ascontiguousarray(array).tobytes())
    return sha.hexdigest()


def _load(spec: str, *, label_column: str | None, image_size: tuple[int, int] | None) -> Dataset:
    require_data(spec)
    path = Path(spec)
    if spec in NAMED_DATA:
        return load_named(spec)
    if path.is_dir():
        from edgetool.data.images import load_images

        return load_images(path, image_size=image_size)
    if path.is_file():
        return _load_file(path, label_column=label_column)
    if is_function(spec):
        from edgetool.data.function import load_function

        return load_function(spec)
    raise _not_there(spec)


def require_data(spec: str) -> None:
    """Refuse what `load_dataset` would not find, which takes no time.

    Raises:
        MissingFileError: nothing is there, or something that is no file and no folder.
        DataError: a file of another type.
    """
    path = Path(spec)
    if spec in NAMED_DATA or (is_function(spec) and not is_there(path)):
        return
    if not is_there(path):
        raise _not_there(spec)
    require_readable(path, expected=EXPECTED)
    if path.is_file():
        _require_type(path)


def _not_there(spec: str) -> MissingFileError:
    return MissingFileError(
        spec if len(spec) <= 300 else f"{spec[:300]}...",
        found="no such file, folder or data set",
        expected=EXPECTED,
        next_step=f"check the path{_suggestion(Path(spec))}",
    )


def _suggestion(path: Path) -> str:
    """Return the nearest name: of a file beside a path, else of a data set."""
    is_path = path.suffix in (".npz", *TABLE_SUFFIXES) or len(path.parts) > 1
    if not is_path:
        return f"; {nearest(str(path), list(NAMED_DATA))}"
    beside = [item.name for item in path.parent.glob("*")] if path.parent.is_dir() else []
    close = get_close_matches(path.name, beside, n=1)
    return f"; did you mean {str(path.with_name(close[0]))!r}?" if close else ""


def _require_type(path: Path) -> None:
    if path.suffix in (".npz", *TABLE_SUFFIXES):
        return
    raise DataError(
        str(path),
        found=f"a file of type {path.suffix or 'without suffix'!r}",
        expected=_listing((".npz", *TABLE_SUFFIXES)),
        next_step="save it as one of these; for anything else write a function and give module:function",
    )


def _load_file(path: Path, *, label_column: str | None) -> Dataset:
    _require_type(path)
    if path.suffix == ".npz":
        from edgetool.data.npz import load_npz

        return load_npz(path)
    from edgetool.data.table import load_table

    return load_table(path, label_column=label_column)


def _listing(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"
