"""`package.module:function`: the user's own loader."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import cast

import numpy as np

from edgetool.data.dataset import Dataset, Split
from edgetool.errors import DataError, EdgetoolError, MissingFileError, nearest

__all__ = ["find_function", "load_function"]

KEYS = ("x_train", "y_train", "x_val", "y_val", "x_test", "y_test", "class_names")

#: What keys of labels of further outputs begin with: `y_train_1`, `y_train_depth`.
HEADS = ("y_train_", "y_val_", "y_test_")


def load_function(spec: str) -> Dataset:
    """Call the function and take what it returns: a `Dataset`, or a mapping with the keys of an `.npz`.

    The current folder is importable. `x_*` may be an array or a tuple of arrays, one per model input.

    Raises:
        MissingFileError: no such module or function.
        DataError: the function failed or returned something else.
    """
    function = find_function(spec, error=DataError)
    try:
        returned = function()
    except EdgetoolError:
        raise
    except Exception as exc:
        raise DataError(
            spec,
            found=f"{type(exc).__name__}: {exc}",
            expected="a function without arguments that returns data",
            next_step="run the function by itself and mend it",
        ) from exc
    if isinstance(returned, Dataset):
        return returned
    if not isinstance(returned, Mapping):
        raise DataError(
            spec,
            found=f"a {type(returned).__name__}",
            expected="a mapping with x_train, y_train, x_test, y_test",
            next_step="return a dictionary of arrays",
        )
    unknown = sorted(str(key) for key in returned if key not in KEYS and not str(key).startswith(HEADS))
    if unknown:
        raise DataError(
            spec,
            found=f"a mapping with the key {unknown[0]!r}",
            expected=", ".join(KEYS),
            next_step=nearest(unknown[0], list(KEYS)),
        )
    return Dataset(
        name=spec.partition(":")[2],
        train=_split(returned, "train"),
        val=_split(returned, "val"),
        test=_split(returned, "test"),
        class_names=tuple(str(name) for name in cast("Iterable[object]", returned.get("class_names", ()))),
        source=spec,
    )


def find_function(spec: str, *, error: type[EdgetoolError]) -> Callable[..., object]:
    """Import the module of `package.module:function` and return the function; the current folder is searched first.

    Args:
        spec: what the user wrote.
        error: raised where the module itself fails.

    Raises:
        MissingFileError: no such module or function.
        EdgetoolError: of the kind `error`: the module cannot be imported, or the name is no function.
    """
    module_name, _, function_name = spec.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        function = getattr(importlib.import_module(module_name), function_name)
    except (ModuleNotFoundError, AttributeError, ValueError) as exc:
        raise MissingFileError(
            spec,
            found=str(exc),
            expected="an importable package.module:function",
            next_step="check the name; the current folder is searched too",
        ) from None
    except Exception as exc:
        raise error(
            spec,
            found=f"a module that cannot be imported ({type(exc).__name__}: {exc})",
            expected="a sound module",
            next_step="import it by itself and mend it",
        ) from exc
    if not callable(function):
        raise error(
            spec, found=f"a {type(function).__name__}", expected="a function", next_step="name a function of the module"
        )
    return cast("Callable[..., object]", function)


def _split(returned: Mapping[str, object], name: str) -> Split | None:
    inputs = returned.get(f"x_{name}")
    if inputs is None:
        return None
    labels = returned.get(f"y_{name}")
    start = f"y_{name}_"
    heads = {key.removeprefix(start): np.asarray(returned[key]) for key in returned if key.startswith(start)}
    arrays = inputs if isinstance(inputs, tuple) else (inputs,)
    return Split(name, tuple(np.asarray(x) for x in arrays), None if labels is None else np.asarray(labels), heads)
