"""The names that a model file may have resolved without `--trust`, from `allowed.toml`."""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path

__all__ = [
    "allowed_activations",
    "allowed_classes",
    "allowed_functions",
    "allowed_of_kind",
    "graph_operators",
    "is_tensorflow_function",
    "saving_operators",
]

TABLE = Path(__file__).with_name("allowed.toml")


@functools.cache
def _table() -> dict[str, dict[str, frozenset[str]]]:
    rows = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    return {
        section: {kind: frozenset(names.split()) for kind, names in lists.items()} for section, lists in rows.items()
    }


@functools.cache
def allowed_classes() -> frozenset[str]:
    """Return every class that a configuration may name: layers, operations, initializers and so on."""
    return frozenset().union(*_table()["classes"].values())


def allowed_of_kind(kind: str) -> frozenset[str]:
    """Return the classes of one kind, for example `layers` or `initializers`."""
    return _table()["classes"][kind]


def allowed_activations() -> frozenset[str]:
    """Return the activations, which layers name as text."""
    return _table()["functions"]["activations"]


@functools.cache
def allowed_functions() -> frozenset[str]:
    """Return every function of Keras that a configuration may name."""
    return frozenset().union(*_table()["functions"].values())


def is_tensorflow_function(symbol: str) -> bool:
    """Tell whether TFOpLambda may call the function of TensorFlow of that name, for example `math.add`."""
    module, _, name = symbol.removeprefix("compat.v1.").rpartition(".")
    if module == "keras.activations":
        return name in allowed_activations()
    return name in _table()["tensorflow"].get(module, frozenset())


def graph_operators() -> frozenset[str]:
    """Return the operators that graphs of a SavedModel may hold."""
    return _table()["graph"]["operators"]


def saving_operators() -> frozenset[str]:
    """Return the operators that only functions which save and restore weights may hold."""
    return _table()["graph"]["saving"]
