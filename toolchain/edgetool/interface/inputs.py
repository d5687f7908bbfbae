"""Models and data in memory become files, since child processes load them.

Data may be

- a path, `module:function` or the name of a data set, as of `--data`;
- a pair `(x, y)`, or `x` alone, of which splits are carved;
- a mapping with the keys of an `.npz`: `x_train`, `y_train`, `x_val`, `y_val`, `x_test`, `y_test`, `class_names`;
- a mapping of `train`, `val` and `test` to pairs or to batched `tf.data.Dataset`s;
- a batched `tf.data.Dataset` of `(x, y)`, as Keras's `fit` takes it. It is read to its end.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from edgetool.data.dataset import Array
from edgetool.errors import UnsupportedModelError, UsageError
from edgetool.store.atomic import atomic_path

__all__ = ["Data", "Inputs", "KerasModel", "Model", "kept_inputs", "temporary_inputs"]

SPLITS = ("train", "val", "test")

DIGITS_OF_A_NAME = 12


class KerasModel(Protocol):
    """What is asked of a model in memory; Keras 3 and tf_keras models have it."""

    name: str

    def save(self, path: str) -> None:
        """Write the model."""

    def get_weights(self) -> list[Array]:
        """Return all weights."""

    def to_json(self) -> str:
        """Return the architecture."""


Model = str | os.PathLike[str] | KerasModel
Data = str | os.PathLike[str] | Mapping[str, object] | tuple[object, ...] | object


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a command is given: paths or names. `out` is None where the command chooses it."""

    model: str
    data: str | None
    out: str | None


def kept_inputs(model: Model, data: Data | None, out: str | os.PathLike[str] | None) -> Inputs:
    """Return paths of model and data; what is in memory is written beside the run folder `out` and stays there.

    Files are called after their content: the same model and data find the files of the call before.

    Raises:
        UnsupportedModelError: the model is none that can be saved.
        UsageError: the data are nothing that has splits.
        DiskFullError: there is no room.
    """
    place = None if out is None else os.fspath(out)
    if not _is_name(model) and place is None:
        place = f"{_keras(model).name}-run"
    folder = Path(f"{place or 'edgetool'}-inputs")
    return Inputs(_model_path(model, folder), _data_path(data, folder), place)


@contextlib.contextmanager
def temporary_inputs(model: Model, data: Data | None) -> Iterator[Inputs]:
    """Give paths of model and data; what is in memory lies in a temporary folder until the caller is done.

    Raises:
        UnsupportedModelError, UsageError, DiskFullError: see `kept_inputs`.
    """
    with tempfile.TemporaryDirectory(prefix="edgetool-") as folder:
        yield Inputs(_model_path(model, Path(folder)), _data_path(data, Path(folder)), None)


def _is_name(value: object) -> bool:
    return isinstance(value, str | os.PathLike)


def _model_path(model: Model, folder: Path) -> str:
    if isinstance(model, str | os.PathLike):
        return os.fspath(model)
    keras_model = _keras(model)
    path = folder / f"model-{_model_digest(keras_model)}.keras"
    if not path.exists():
        with atomic_path(path) as temporary:
            keras_model.save(str(temporary))
    return str(path)


def _keras(model: object) -> KerasModel:
    """Return a model in memory as what it is.

    Raises:
        UnsupportedModelError: it is no Keras model.
    """
    origins = {kind.__module__.partition(".")[0] for kind in type(model).__mro__}
    if not origins & {"keras", "tf_keras"}:
        raise UnsupportedModelError(
            type(model).__name__,
            found="an object in memory that is no Keras model",
            expected="a Keras model, or the path of a model file",
            next_step="save it (PyTorch: torch.export.save to a .pt2 file) and give the path",
        )
    return model  # type: ignore[return-value]  # as its classes say


def _model_digest(model: KerasModel) -> str:
    digest = hashlib.sha256(model.to_json().encode())
    for weight in model.get_weights():
        digest.update(np.ascontiguousarray(weight).tobytes())
    return digest.hexdigest()[:DIGITS_OF_A_NAME]


def _data_path(data: Data | None, folder: Path) -> str | None:
    if data is None:
        return None
    if isinstance(data, str | os.PathLike):
        return os.fspath(data)
    arrays = _arrays(data)
    path = folder / f"data-{_arrays_digest(arrays)}.npz"
    if not path.exists():
        with atomic_path(path) as temporary, temporary.open("wb") as stream:
            np.savez(stream, **arrays)  # type: ignore[arg-type]  # of arrays by name
    return str(path)


def _arrays_digest(arrays: Mapping[str, Array]) -> str:
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:DIGITS_OF_A_NAME]


def _arrays(data: object) -> dict[str, Array]:
    """Return the arrays of an `.npz` from data in memory."""
    if not isinstance(data, Mapping):
        return _split_arrays("train", data)
    if not set(data) <= set(SPLITS):
        return {str(name): np.asarray(value) for name, value in data.items()}
    arrays: dict[str, Array] = {}
    for split, values in data.items():
        arrays |= _split_arrays(str(split), values)
    return arrays


def _split_arrays(split: str, values: object) -> dict[str, Array]:
    """Return `x_<split>` and `y_<split>` of a pair, of inputs alone, or of a data set of TensorFlow."""
    if hasattr(values, "as_numpy_iterator"):
        values = _joined(values.as_numpy_iterator(), split)
    x, y = values if isinstance(values, tuple) and len(values) == 2 else (values, None)
    arrays = _named(f"x_{split}", x)
    if y is not None:
        arrays |= _named(f"y_{split}", y)
    for name, array in arrays.items():
        if array.ndim == 0 or array.dtype == object:
            raise UsageError(
                name,
                found=f"{type(values).__name__} that is no array of samples",
                expected="arrays whose first axis counts the samples",
                next_step="give (x, y), or a mapping with x_train, y_train, x_test, y_test",
            )
    return arrays


def _named(name: str, value: object) -> dict[str, Array]:
    """Return one array, or one for each of several inputs or outputs: `x_train_0`, or `y_train_boxes` by name."""
    if isinstance(value, Mapping):
        return {f"{name}_{key}": np.asarray(item) for key, item in value.items()}
    if isinstance(value, tuple | list) and value and hasattr(value[0], "shape"):
        return {f"{name}_{index}": np.asarray(item) for index, item in enumerate(value)}
    return {name: np.asarray(value)}


def _joined(batches: Iterator[object], split: str) -> object:
    """Return all batches of a data set as one, in the structure of the first."""
    parts = list(batches)
    if not parts:
        raise UsageError(split, found="a data set without a batch", expected="samples", next_step="give another one")
    return _concatenated(parts)


def _concatenated(parts: list[object]) -> object:
    first = parts[0]
    if isinstance(first, tuple):
        return tuple(_concatenated([part[index] for part in parts]) for index in range(len(first)))  # type: ignore[index]
    if isinstance(first, Mapping):
        return {key: _concatenated([part[key] for part in parts]) for key in first}  # type: ignore[index]
    return np.concatenate([np.asarray(part) for part in parts])
