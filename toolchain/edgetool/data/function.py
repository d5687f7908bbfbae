"""`package.module:function`: the user's own loader."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from edgetool.data.dataset import Dataset, Split
from edgetool.errors import DataError, MissingFileError

__all__ = ["load_function"]


def load_function(spec: str) -> Dataset:
    """Call the function and take what it returns: a `Dataset`, or a mapping with the keys of an `.npz`.

    The current folder is importable. `x_*` may be an array or a tuple of arrays, one per model input.

    Raises:
        MissingFileError: no such module or function.
        DataError: the function failed or returned something else.
    """
    module_name, _, function_name = spec.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        function = getattr(importlib.import_module(module_name), function_name)
    except (ImportError, AttributeError, ValueError) as exc:
        raise MissingFileError(
            spec, found=str(exc), expected="an importable package.module:function", next_step="check the name"
        ) from None
    try:
        found = function()
    except Exception as exc:
        raise DataError(
            spec,
            found=f"{type(exc).__name__}: {exc}",
            expected="a function without arguments that returns data",
            next_step="run the function by itself and mend it",
        ) from exc
    if isinstance(found, Dataset):
        return found
    if not isinstance(found, Mapping):
        raise DataError(
            spec,
            found=f"a {type(found).__name__}",
            expected="a mapping with x_train, y_train, x_test, y_test",
            next_step="return a dictionary of arrays",
        )
    return Dataset(
        name=function_name,
        train=_split(found, "train"),
        val=_split(found, "val"),
        test=_split(found, "test"),
        class_names=tuple(str(name) for name in found.get("class_names", ())),
        source=spec,
    )


def _split(found: Mapping[str, object], name: str) -> Split | None:
    inputs = found.get(f"x_{name}")
    if inputs is None:
        return None
    labels = found.get(f"y_{name}")
    arrays = inputs if isinstance(inputs, tuple) else (inputs,)
    return Split(name, tuple(np.asarray(x) for x in arrays), None if labels is None else np.asarray(labels))
