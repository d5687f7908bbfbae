"""Checkpoints: every variable of the model and its optimizer, in order, in an `.npz`.

Keras' own files rebuild the model that they were saved from. Here the model is built anew and the values must fit it,
so that another architecture, or another backend's rounding of a configuration, is never taken up unnoticed.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgetool.errors import TrainingError

if TYPE_CHECKING:
    import keras

    from edgetool.data.dataset import Array

__all__ = ["read_checkpoint", "write_checkpoint"]

NEXT_STEP = "give --overwrite to train anew, or the model that the run began with"


def write_checkpoint(path: Path, variables: Sequence[keras.Variable]) -> None:
    """Write the values of `variables`, Keras 3's, with their paths."""
    values = {f"{index}/{variable.path}": _value(variable) for index, variable in enumerate(variables)}
    np.savez(path, **values)


def read_checkpoint(path: Path, variables: Sequence[keras.Variable]) -> None:
    """Give `variables` the values that a checkpoint holds for them.

    Raises:
        TrainingError: it cannot be read, or is of another architecture; then no variable is changed.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            stored = {name: archive[name] for name in archive.files}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as exc:
        raise TrainingError(
            str(path),
            found=f"a checkpoint that cannot be read ({' '.join(str(exc).split())[:200]})",
            expected="the one that this run wrote",
            next_step="give --overwrite to train anew",
        ) from None
    _require_same(path, stored, variables)
    for variable, value in zip(variables, stored.values(), strict=True):
        variable.assign(value)


def _value(variable: keras.Variable) -> Any:
    import keras

    return np.asarray(keras.ops.convert_to_numpy(variable.value))


def _require_same(path: Path, stored: Mapping[str, Array], variables: Sequence[keras.Variable]) -> None:
    stored_variables = [f"{name.partition('/')[2]} {list(value.shape)}" for name, value in stored.items()]
    wanted = [f"{variable.path} {list(variable.shape)}" for variable in variables]
    if stored_variables == wanted:
        return
    pairs = zip([*stored_variables, "no more"], [*wanted, "no more"], strict=False)
    first = next(((a, b) for a, b in pairs if a != b), ("", ""))
    raise TrainingError(
        str(path),
        found=f"a checkpoint of another architecture: it has {first[0]} ({len(stored_variables)} variables)",
        expected=f"{first[1]} ({len(wanted)} variables)",
        next_step=NEXT_STEP,
    )
